import { script, startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CANARY, said } from "../testing/runtime-under-test.ts";
import { startServerProcess } from "../testing/server-process.ts";
import { dockerFlags, testEngine } from "../testing/test-engine.ts";

const steps = [
  {
    text: "I shall write a file.",
    tools: [{ name: "Write", input: { file_path: "/workspace/report.md", content: "# Report\n" } }],
  },
  { tools: [{ name: "Bash", input: { command: "wc -c < report.md; env | grep -c canary", description: "count" } }] },
  { text: "All is done." },
  { tools: [{ name: "Bash", input: { command: "cat report.md", description: "read" } }] },
  { text: "I remember the first turn." },
];

test("a real agent works in a container; a killed server's successor finds it; its end saves all, and a new one has it", async (context) => {
  const engine = await testEngine();
  if (typeof engine === "string") return context.skip(engine);
  const folder = await mkdtemp(join(tmpdir(), "main-job-docker-"));
  await using model = await startScriptedModel();
  const serve = () => startServerProcess({ folder, modelUrl: model.url, ...dockerFlags(engine) });
  const idle = ({ turn, queue }: { turn: unknown; queue: readonly unknown[] }): boolean =>
    turn === null && queue.length === 0;

  const first = await serve();
  const created = await first.request("POST", "/sessions/create", {
    agentProfileRef: "default",
    architecture: "claude-agent-sdk",
  });
  const { sessionId } = (await created.json()) as { sessionId: string };
  await first.request("POST", `/sessions/${sessionId}/message`, { content: `Please work. ${script(steps)}` });
  const done = await first.until(sessionId, (state) => idle(state) && state.lastSeq > 10);
  expect(said(done)).toEqual(["I shall write a file.", "All is done."]);
  const results = done.blocks.flatMap((block) => (block.type === "tool_result" ? [block] : []));
  expect(results[1]).toMatchObject({ content: "9\n0" });
  expect(done.workspaceFiles).toMatchObject([{ path: "report.md", content: "# Report\n" }]);

  await first.end("SIGKILL");
  await using second = await serve();
  const found = await second.until(sessionId, ({ runtime }) => runtime.sandbox?.status === "ready");
  expect(found.runtime.sandbox?.sandboxId).toBe(done.runtime.sandbox?.sandboxId);
  expect((await second.request("POST", `/sessions/${sessionId}/unload`)).status).toBeLessThan(300);
  await second.request("POST", `/sessions/${sessionId}/message`, { content: "Do you remember?" });
  const resumed = await second.until(sessionId, (state) => idle(state) && state.blocks.length > done.blocks.length + 1);
  expect(said(resumed).at(-1)).toBe("I remember the first turn.");
  expect(resumed.runtime.sandbox?.sandboxId).not.toBe(done.runtime.sandbox?.sandboxId);
  expect(model.requests.every(({ headers }) => headers["x-api-key"] === CANARY)).toBe(true);
  await second.request("DELETE", `/sessions/${sessionId}`);
  expect(await second.end("SIGTERM")).toBe(0);
  await rm(folder, { recursive: true });
});
