import { tool } from "@hhopkins/agent-runtime";
import { expect, test } from "vitest";
import { z } from "zod";
import { profileBench } from "../profiles/bench.ts";

const ran: string[] = [];
const counted = (name: string) =>
  tool({
    description: "d",
    input: z.object({ sum: z.number().optional() }),
    run: ({ sum }) => ran.push(`${name} ${sum ?? ""}`),
  });
const tools = { read: counted("read"), forbidden: counted("forbidden"), pay: counted("pay") };
const call = (name: string, input: Record<string, unknown> = {}) => ({
  tools: [{ name: `mcp__host__${name}`, input }],
});

test("host tools are allowed where rules decide; one that is denied is not offered, one that asks runs once it is answered", async () => {
  await using bench = await profileBench(
    { tools: ["Bash(git *)"], disallowedTools: ["mcp__host__forbidden"], permissions: { ask: ["mcp__host__pay"] } },
    { tools },
  );
  const { server, sessionId } = bench;
  const { requests, results } = await bench.play("read", call("read"), { text: "done" });
  const { tools: offered = [] } = (requests[0]?.body ?? {}) as { tools?: { name: string }[] };
  const names = offered.map(({ name }) => name);
  expect(names.filter((name) => name.startsWith("mcp__"))).toEqual(["mcp__host__pay", "mcp__host__read"]);
  expect([results, ran]).toEqual([["1"], ["read "]]);

  await server.request("PATCH", `/sessions/${sessionId}/options`, { permissionMode: "default" });
  const asked = server.until(sessionId, ({ asks }) => asks.length === 1);
  const over = bench.play("pay", call("pay", { sum: 5 }), { text: "paid" });
  const { asks, hostToolCalls } = await asked;
  expect([asks[0], hostToolCalls, ran]).toMatchObject([
    { kind: "permission", details: { toolName: "mcp__host__pay", input: { sum: 5 } } },
    undefined,
    ["read "],
  ]);
  const answer = { decision: "allow", input: { sum: 3 } };
  const answered = await server.request("POST", `/sessions/${sessionId}/asks/${asks[0]?.askId}/answer`, answer);
  expect(answered.status).toBe(200);
  await over;
  expect(ran).toEqual(["read ", "pay 3"]);
});
