import { memoryPersistence, sharedMemory, type SharedMemory } from "@hhopkins/agent-runtime/persistence/memory";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { prompt } from "../testing/prompts.ts";
import { said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { turnEnds } from "../testing/session-log.ts";

const WORDS = "word ".repeat(150);
const LONG = prompt("talk", { text: WORDS, chunk: 5, delayMs: 20 });

let model: ScriptedModel;
let folder: string;
let memory: SharedMemory;
beforeEach(async () => {
  model = await startScriptedModel();
  folder = await mkdtemp(join(tmpdir(), "place-"));
  memory = sharedMemory();
});
afterEach(async () => {
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

/** A node as on a host of its own: with the sandboxes of that host alone. Two nodes of one host share its folder. */
function node(host: string): Promise<RuntimeUnderTest> {
  const dataDir = join(folder, host);
  const sandbox = { ...localSandbox({ dataDir }), place: host };
  const cluster = { leaseMs: 1000 };
  const persistence = memoryPersistence({ memory });
  return startRuntime({ persistence, sandbox, cluster, shutdownGraceMs: 1 }, { dataDir, model });
}

const sandboxes = (host: string) => localSandbox({ dataDir: join(folder, host) }).list({ deployment: "default" });

async function talking(on: RuntimeUnderTest): Promise<string> {
  const id = await on.create();
  await on.send(id, LONG);
  await on.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
  return id;
}

test("the last server of a host goes in the middle of a turn: another host's fails the turn as sandbox_lost, and goes on from what was saved", async () => {
  const one = await node("host-1");
  const id = await talking(one);
  await using two = await node("host-2");
  await one.runtime.shutdown();
  const lost = await two.until(id, ({ turn }) => turn === null);
  expect(await turnEnds(two, id)).toEqual(["failed sandbox_lost"]);
  expect(said(lost).at(-1)).toMatch(/^word word/);
  expect(said(await two.turn(id, prompt("again", { text: "here now" }))).at(-1)).toBe("here now");
  expect(await sandboxes("host-2")).toHaveLength(1);
  // What goes on there belongs to no session any more: the next server of that host ends it.
  expect(await sandboxes("host-1")).toHaveLength(1);
  await using again = await node("host-1");
  await expect.poll(() => sandboxes("host-1"), { timeout: 20_000 }).toEqual([]);
  expect(said(await again.state(id))).toEqual(said(await two.state(id)));
});

test("where another server of the same host lives, it has the session, and the sandbox goes on", async () => {
  const one = await node("host-1");
  const id = await talking(one);
  await using two = await node("host-2");
  await using three = await node("host-1");
  await one.runtime.shutdown();
  const done = await two.until(id, ({ turn }) => turn === null);
  expect(said(done).at(-1)).toBe(WORDS);
  expect(await turnEnds(two, id)).toEqual(["completed"]);
  expect(three.runtime.sessionManager.getSession(id).sessionId).toBe(id);
});
