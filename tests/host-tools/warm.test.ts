import { tool } from "@hhopkins/agent-runtime";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { expect, test } from "vitest";
import { z } from "zod";
import { systemBlocks } from "../profiles/bench.ts";
import { prompt } from "../testing/prompts.ts";
import { startRuntime } from "../testing/runtime-under-test.ts";

test("a sandbox that was kept ready has the host tools of its profile, and calls come from the session that took it", async () => {
  const ran: string[] = [];
  const run = (_input: unknown, { sessionId }: { sessionId: string }) => void ran.push(sessionId);
  await using server = await startRuntime({
    persistence: memoryPersistence({ profiles: [{ id: "p", name: "P", hostTools: ["lookup", "gone"] }] }),
    warmPool: { p: 1 },
    tools: { lookup: tool({ description: "d", input: z.object({}), run }) },
  });
  const ready = () => server.logs.some(({ message }) => message === "a warm sandbox is ready");
  await expect.poll(ready, { timeout: 60_000 }).toBe(true);
  const id = await server.create({ agentProfileRef: "p" });
  const call = { tools: [{ name: "mcp__host__lookup", input: {} }] };
  const state = await server.turn(id, prompt("look", call, { text: "done" }));
  expect(state.runtime.sandbox?.sandboxId).toMatch(/^warm-/);
  expect(ran).toEqual([id]);
  expect(systemBlocks(state, "host_tool_missing")).toEqual([expect.stringContaining("does not have: gone")]);
});
