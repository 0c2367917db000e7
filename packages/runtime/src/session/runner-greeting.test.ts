import { encodeLine, WIRE_VERSION } from "@hhopkins/agent-runtime-protocol";
import { duplexPair, type Duplex } from "node:stream";
import { expect, test, vi } from "vitest";
import { greet } from "./runner-greeting.ts";

const hello = { type: "hello", version: WIRE_VERSION, generation: 2, first: 1, last: 0, fence: 0 };

function greeted() {
  const [server, runner] = duplexPair();
  const warn = vi.fn();
  const log = { debug: () => undefined, info: () => undefined, warn, error: () => undefined };
  const passed: Duplex[] = [];
  let got = "";
  const onGreeted = (stream: Duplex): void => {
    passed.push(stream);
    stream.on("data", (bytes: Buffer) => {
      got += bytes.toString();
    });
    stream.resume();
  };
  greet(server, { generation: 2, log, onGreeted });
  runner.on("error", () => undefined);
  return { server, runner, warn, passed, got: () => got };
}

test("the runner of this generation passes, with every byte that it sent, however they come", async () => {
  const { runner, passed, got } = greeted();
  const text = encodeLine(hello) + encodeLine({ type: "pong", id: "x" });
  for (const at of [0, 10, 60]) runner.write(text.slice(at, { 0: 10, 10: 60, 60: undefined }[at]));
  await vi.waitFor(() => expect(got()).toBe(text));
  runner.write("later");
  await vi.waitFor(() => expect(got()).toBe(`${text}later`));
  expect(passed).toHaveLength(1);
});

test.each([
  ["another generation", encodeLine({ ...hello, generation: 1 }), "generation 1"],
  ["another version", encodeLine({ ...hello, version: WIRE_VERSION + 1 }), `version ${WIRE_VERSION + 1}`],
  ["an entry before hello", encodeLine({ type: "entry", n: 1, body: { kind: "file:deleted", path: "x" } }), "no hello"],
  ["no JSON", "GET / HTTP/1.1\r\n", "no hello"],
  ["a line without an end", "x".repeat(5000), "no hello"],
])("%s does not pass", async (_name, text, why) => {
  const { server, runner, warn, passed } = greeted();
  runner.write(text);
  await vi.waitFor(() => expect(server.destroyed).toBe(true));
  expect(passed).toEqual([]);
  expect(warn).toHaveBeenCalledWith(expect.objectContaining({ why }), expect.any(String));
});

test("a stream that ends without a word is forgotten", async () => {
  const { server, passed, warn } = greeted();
  server.destroy(new Error("cut"));
  await vi.waitFor(() => expect(server.listenerCount("data")).toBe(0));
  expect([passed, warn.mock.calls]).toEqual([[], []]);
});
