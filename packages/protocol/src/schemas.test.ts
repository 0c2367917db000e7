import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { z } from "zod";
import * as protocol from "./index.ts";

/** JSON Schema of every schema that this package exports, by name. */
function schemas(): Record<string, unknown> {
  const named = Object.entries(protocol).filter(([, value]) => value instanceof z.ZodType);
  const events = Object.entries(protocol.eventData).map(([type, schema]) => [`event ${type}`, schema] as const);
  const control = Object.entries(protocol.controlData).map(([type, schema]) => [`control ${type}`, schema] as const);
  return Object.fromEntries(
    [...named, ...events, ...control]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, schema]) => [name, z.toJSONSchema(schema as z.ZodType, { unrepresentable: "any", io: "input" })]),
  );
}

// A change of shape changes the hash. Raise PROTOCOL_VERSION (or WIRE_VERSION) when older readers would stumble,
// then renew the hash.
test("the schemas are those of this version", () => {
  const hash = createHash("sha256").update(JSON.stringify(schemas())).digest("hex");
  expect({ protocol: protocol.PROTOCOL_VERSION, wire: protocol.WIRE_VERSION, hash }).toMatchInlineSnapshot(`
    {
      "hash": "d4a96ef46b4180f990d2e173290a3e8d288c2bb4a1cb4394c1f3f764a98fadc0",
      "protocol": 1,
      "wire": 1,
    }
  `);
});

test("the hash covers events, blocks, frames, bodies and the wire", () => {
  const names = Object.keys(schemas());
  for (const name of [
    "event session:block:delta",
    "ConversationBlock",
    "ClientFrame",
    "SendMessageBody",
    "RunnerFrame",
    "ToRunnerFrame",
    "AgentProfile",
    "Problem",
  ]) {
    expect(names).toContain(name);
  }
});
