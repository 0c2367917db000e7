import type { PersistedSessionData } from "@hhopkins/agent-runtime";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { nineMethodAdapter } from "../contract/nine-methods.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { said, startRuntime } from "../testing/runtime-under-test.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";

let model: ScriptedModel;
let dataDir: string;
beforeAll(async () => {
  model = await startScriptedModel();
});
afterAll(() => model.close());
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** An adapter that has what another one had at this moment. */
function copyOf({ sessions }: { sessions: ReadonlyMap<string, PersistedSessionData> }) {
  const copy = nineMethodAdapter();
  for (const [id, session] of sessions) copy.sessions.set(id, structuredClone(session));
  return copy;
}

test("after a restart a session of nine methods is the same, and its conversation and files go on", async () => {
  const persistence = nineMethodAdapter();
  const first = await startRuntime({ persistence }, { dataDir, model });
  const id = await first.create();
  await first.turn(id, prompt("begin", { tools: [bash("printf kept > notes.txt")] }, { text: "it is written" }));
  await first.runtime.shutdown();

  await using second = await startRuntime({ persistence: copyOf(persistence) }, { dataDir, model });
  const found = await second.state(id);
  expect(said(found).at(-1)).toBe("it is written");
  expect(found.runtime.isLoaded).toBe(false);
  const log = await logOf(second, id);
  expect(log.map(({ seq }) => seq)).toEqual(Array.from({ length: found.lastSeq }, (_unused, index) => index + 1));
  const again = prompt("again", { tools: [bash("cat notes.txt")] }, { text: "it is read" });
  const done = await second.turn(id, again);
  expect(done.logId).toBe(found.logId);
  expect(JSON.stringify(done.blocks)).toContain("kept");
  const asked = model.requests.filter(({ body }) => JSON.stringify(body ?? null).includes("again"));
  expect(JSON.stringify(asked.at(-1)?.body)).toContain("it is written");
  expect(await turnEnds(second, id)).toEqual(["completed", "completed"]);
});

test("after a crash in a turn the sandbox is found again, and all that it said is there, in a log of another id", async () => {
  const words = "word ".repeat(250);
  const persistence = nineMethodAdapter();
  const config = { persistence, shutdownGraceMs: 1 };
  const first = await startRuntime(config, { dataDir, model });
  const id = await first.create();
  await first.turn(id, prompt("begin", { text: "begun" }));
  await first.send(id, prompt("talk", { text: words, chunk: 5, delayMs: 20 }));
  await first.send(id, prompt("queued", { text: "after the crash" }), { messageId: "queued" });
  const before = await first.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
  // What was saved up to now is what a crash would have left.
  const crashed = copyOf(persistence);
  await first.runtime.shutdown();

  await using second = await startRuntime({ persistence: crashed }, { dataDir, model });
  const done = await second.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
  expect(said(done)).toEqual(["begun", words, "after the crash"]);
  expect(done.runtime.sandbox?.sandboxId).toBe(before.runtime.sandbox?.sandboxId);
  expect(done.logId).not.toBe(before.logId);
  expect(await turnEnds(second, id)).toEqual(["completed", "completed", "completed"]);
  expect((await second.send(id, "another text", { messageId: "queued" })).status).toBe(409);
});

test("what a start leaves alone, because it is old, goes on when somebody opens it", async () => {
  const persistence = nineMethodAdapter();
  const first = await startRuntime({ persistence, shutdownGraceMs: 1 }, { dataDir, model });
  const id = await first.create();
  await first.send(id, prompt("talk", { text: "word ".repeat(100), chunk: 5, delayMs: 20 }));
  await first.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
  const crashed = copyOf(persistence);
  const kept = crashed.sessions.get(id);
  if (kept === undefined) throw new Error("the session was not kept");
  crashed.sessions.set(id, {
    ...kept,
    createdAt: "2026-01-01T00:00:00.000Z",
    lastActivity: "2026-01-01T00:00:00.000Z",
  });
  await first.runtime.shutdown();

  await using second = await startRuntime({ persistence: crashed }, { dataDir, model });
  expect(second.runtime.sessionManager.getLoadedSessions()).toEqual([]);
  const done = await second.turn(id, prompt("again", { text: "opened" }));
  expect(said(done).at(-1)).toBe("opened");
  expect(await turnEnds(second, id)).toHaveLength(2);
});
