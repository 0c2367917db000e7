import { afterEach, beforeEach, expect, test } from "vitest";
import { startCluster, type ClusterUnderTest } from "../testing/cluster-under-test.ts";
import { prompt } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";
import type { ServerProcess } from "../testing/server-process.ts";

const WORDS = Array.from({ length: 100 }, (_word, index) => `w${index} `).join("");
/** Longer than a lease, so that whoever takes over finds the turn at work. */
const LONG = prompt("talk", { text: WORDS, chunk: 4, delayMs: 60 });

let cluster: ClusterUnderTest;
beforeEach(async () => {
  cluster = await startCluster();
});
afterEach(() => cluster[Symbol.asyncDispose]());

/** A turn that runs on `server`, the only node, and has said something. */
async function talking(server: ServerProcess): Promise<{ sessionId: string; sandboxId: string | undefined }> {
  const sessionId = await cluster.create(server);
  const sent = await server.request("POST", `/sessions/${sessionId}/message`, { content: LONG });
  expect(sent.status).toBe(202);
  const state = await server.until(sessionId, ({ blocks }) => blocks.some(({ type }) => type === "assistant_text"));
  return { sessionId, sandboxId: state.runtime.sandbox?.sandboxId };
}

async function ask(server: ServerProcess, sessionId: string, text: string): Promise<string[]> {
  const content = prompt("and?", { text });
  const response = await server.request("POST", `/sessions/${sessionId}/message`, { content });
  expect(response.status).toBe(202);
  return said(await server.until(sessionId, (state) => state.turn === null && said(state).includes(text)));
}

test("a node is killed in the middle of a turn: another one goes on with the sandbox, and nothing is lost", async () => {
  const a = await cluster.node("a");
  const { sessionId, sandboxId } = await talking(a);
  const first = await cluster.lease(sessionId);
  const b = await cluster.node("b");
  await a.end("SIGKILL");
  const state = await b.until(sessionId, ({ turn, queue }) => turn === null && queue.length === 0);
  // The dead node carried the model's answer: the harness asked again, and what had been said of it stays.
  expect(said(state).at(-1)).toBe(WORDS);
  expect(said(state).every((text) => WORDS.startsWith(text))).toBe(true);
  expect(state.runtime.sandbox).toMatchObject({ sandboxId, status: "ready", restartCount: 0 });
  const second = await cluster.lease(sessionId);
  expect(second).toEqual({ nodeId: expect.any(String), fence: (first?.fence ?? 0) + 1 });
  expect(second?.nodeId).not.toBe(first?.nodeId);
  // A server that is started again asks the new holder.
  const again = await cluster.node("a");
  expect(await ask(again, sessionId, "more")).toEqual([...said(state), "more"]);
  expect(await cluster.lease(sessionId)).toEqual(second);
}, 120_000);

test("a node is paused for longer than its lease: what it does when it wakes up is refused, and nothing is said twice", async () => {
  const a = await cluster.node("a");
  const { sessionId, sandboxId } = await talking(a);
  const first = await cluster.lease(sessionId);
  const b = await cluster.node("b");
  process.kill(a.pid, "SIGSTOP");
  const state = await b.until(sessionId, ({ turn, queue }) => turn === null && queue.length === 0);
  const second = await cluster.lease(sessionId);
  expect(second?.fence).toBe((first?.fence ?? 0) + 1);
  process.kill(a.pid, "SIGCONT");
  await expect.poll(() => a.output(), { timeout: 20_000 }).toContain("another server runs a session that this one had");
  // The one that woke up sends its clients to the other one, and leaves the sandbox alone.
  expect(await ask(a, sessionId, "more")).toEqual([...said(state), "more"]);
  const after = await a.state(sessionId);
  expect(after).toEqual(await b.state(sessionId));
  expect(after.runtime.sandbox).toMatchObject({ sandboxId, status: "ready", restartCount: 0 });
  expect(await cluster.lease(sessionId)).toEqual(second);
}, 120_000);

test("nodes are restarted one after the other in the middle of a turn: each hands over, and no delta is lost or doubled", async () => {
  const a = await cluster.node("a");
  const { sessionId, sandboxId } = await talking(a);
  const first = await cluster.lease(sessionId);
  const b = await cluster.node("b");
  expect(await a.end("SIGTERM")).toBe(0);
  const a2 = await cluster.node("a");
  await expect.poll(async () => (await cluster.lease(sessionId))?.fence).toBe((first?.fence ?? 0) + 1);
  expect(await b.end("SIGTERM")).toBe(0);
  const state = await a2.until(sessionId, ({ turn, queue }) => turn === null && queue.length === 0);
  expect(said(state).at(-1)).toBe(WORDS);
  expect(said(state).every((text) => WORDS.startsWith(text))).toBe(true);
  expect(state.runtime.sandbox).toMatchObject({ sandboxId, status: "ready", restartCount: 0 });
  expect(await ask(a2, sessionId, "more")).toEqual([...said(state), "more"]);
}, 120_000);
