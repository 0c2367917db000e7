import { memoryPersistence, sharedMemory, type SharedMemory } from "@hhopkins/agent-runtime/persistence/memory";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import type { SessionState } from "@hhopkins/agent-runtime";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { prompt } from "../testing/prompts.ts";
import { said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { turnEnds } from "../testing/session-log.ts";

const WORDS = "word ".repeat(150);

let model: ScriptedModel;
let dataDir: string;
let memory: SharedMemory;
beforeEach(async () => {
  model = await startScriptedModel();
  dataDir = await mkdtemp(join(tmpdir(), "handover-"));
  memory = sharedMemory();
});
afterEach(async () => {
  await model.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** A node in this process. The grace would be waited for by a server without a successor. */
function node(maxSandboxes = 4): Promise<RuntimeUnderTest> {
  const persistence = memoryPersistence({ memory });
  return startRuntime({ persistence, maxSandboxes, shutdownGraceMs: 600_000 }, { dataDir, model });
}

const isIdle = ({ turn, queue }: SessionState): boolean => turn === null && queue.length === 0;
const loaded = ({ runtime }: RuntimeUnderTest): string[] =>
  runtime.sessionManager.getLoadedSessions().map(({ sessionId }) => sessionId);

test("a node that ends hands over what it has: idle, at work, starting and waiting sessions, each as it is", async () => {
  const first = await node(3);
  const idle = await first.create();
  const before = await first.turn(idle, prompt("idle", { text: "done" }));
  const unused = await first.create();
  await first.runtime.sessionManager.loadSession(unused);
  const working = await first.create();
  await first.send(working, prompt("talk", { text: WORDS, chunk: 5, delayMs: 20 }));
  await first.until(working, (state) => said(state).at(-1)?.includes("word word") === true);
  const starting = await first.create();
  await first.send(starting, prompt("start", { text: "started once" }));
  const waiting = await first.create();
  await first.send(waiting, prompt("wait", { text: "waited" }));
  await first.until(waiting, ({ runtime }) => runtime.sandbox?.status === "pending");

  await using second = await node();
  await first.runtime.shutdown();
  const done = await Promise.all([working, starting, waiting].map((id) => second.until(id, isIdle)));
  expect(done.map((state) => said(state).at(-1))).toEqual([WORDS, "started once", "waited"]);
  for (const id of [working, starting, waiting]) expect(await turnEnds(second, id)).toEqual(["completed"]);
  // Nothing was ended: the sandboxes are those of before.
  const after = await second.state(idle);
  expect(after.runtime.sandbox).toMatchObject({ sandboxId: before.runtime.sandbox?.sandboxId, status: "ready" });
  expect(done[0]?.runtime.sandbox?.restartCount).toBe(0);
  expect(loaded(second).toSorted()).toEqual([idle, working, starting, waiting].toSorted());
  // A session with nothing to hand over is unloaded.
  expect((await second.state(unused)).runtime.isLoaded).toBe(false);
  expect(said(await second.turn(idle, prompt("again", { text: "still here" })))).toEqual(["done", "still here"]);
  expect(await localSandbox({ dataDir }).list({ deployment: "default" })).toHaveLength(4);
  expect(first.logs.filter(({ level }) => level === "error")).toEqual([]);
  expect(second.logs.filter(({ level }) => level === "error")).toEqual([]);
});

test("the last one of its place does not hand over: it ends what is idle, and the next start finds what is not", async () => {
  const first = await node();
  const idle = await first.create();
  await first.turn(idle, prompt("idle", { text: "done" }));
  await first.runtime.shutdown();
  expect(await localSandbox({ dataDir }).list({ deployment: "default" })).toEqual([]);
  await using second = await node();
  expect(loaded(second)).toEqual([]);
  expect((await second.state(idle)).runtime).toMatchObject({ isLoaded: false, sandbox: { status: "terminated" } });
  expect(said(await second.turn(idle, prompt("again", { text: "back" })))).toEqual(["done", "back"]);
});
