import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startCluster, type ClusterUnderTest } from "../testing/cluster-under-test.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";
import type { ServerProcess } from "../testing/server-process.ts";

const WORDS = Array.from({ length: 60 }, (_word, index) => `w${index} `).join("");

let cluster: ClusterUnderTest;
beforeEach(async () => {
  cluster = await startCluster();
});
afterEach(() => cluster[Symbol.asyncDispose]());

interface Working {
  readonly sessionId: string;
  readonly sandboxId: string | undefined;
  /** Lets the agent's command end; then it has more to say. */
  goOn(): Promise<void>;
}

/** Sends until it is taken: on a busy machine a node may count as gone for a moment. */
async function accepted(server: ServerProcess, sessionId: string, message: { messageId: string; content: string }) {
  const send = async () => (await server.request("POST", `/sessions/${sessionId}/message`, message)).status;
  await expect.poll(send, { timeout: 60_000, interval: 200 }).toBe(202);
}

/** A turn that runs on `server`, the only node, and whose agent waits for its command to end. */
async function working(server: ServerProcess): Promise<Working> {
  const sessionId = await cluster.create(server);
  const gate = join(cluster.folder("a"), "gate");
  const command = bash(`while [ ! -e ${gate} ]; do sleep 0.1; done; echo open`);
  const content = prompt("work", { text: "before", tools: [command] }, { text: WORDS, chunk: 4, delayMs: 20 });
  await accepted(server, sessionId, { content, messageId: "m-work" });
  const state = await server.until(sessionId, ({ blocks }) =>
    blocks.some((block) => block.type === "tool_use" && block.status === "running"),
  );
  return { sessionId, sandboxId: state.runtime.sandbox?.sandboxId, goOn: () => writeFile(gate, "") };
}

/** Waits until another node has the session than the one that had it then. */
async function moved(sessionId: string, from: { nodeId: string; fence: number } | undefined): Promise<number> {
  const now = async () => (await cluster.lease(sessionId))?.nodeId ?? from?.nodeId;
  await expect.poll(now, { timeout: 60_000, interval: 100 }).not.toBe(from?.nodeId);
  const { fence = 0 } = (await cluster.lease(sessionId)) ?? {};
  expect(fence).toBeGreaterThan(from?.fence ?? 0);
  return fence;
}

async function ask(server: ServerProcess, sessionId: string, text: string): Promise<string[]> {
  const body = { content: prompt("and?", { text }), messageId: `m-${text}` };
  await accepted(server, sessionId, body);
  return said(await server.until(sessionId, (state) => state.turn === null && said(state).includes(text)));
}

const isDone = (state: { turn: unknown; queue: readonly unknown[] }): boolean =>
  state.turn === null && state.queue.length === 0;

test("a node is killed in the middle of a turn: another one goes on with the sandbox, and nothing is lost", async () => {
  const a = await cluster.node("a");
  const { sessionId, sandboxId, goOn } = await working(a);
  const first = await cluster.lease(sessionId);
  const b = await cluster.node("b");
  await a.end("SIGKILL");
  await moved(sessionId, first);
  await goOn();
  const state = await b.until(sessionId, isDone);
  expect(said(state)).toEqual(["before", WORDS]);
  expect(state.runtime.sandbox).toMatchObject({ sandboxId, status: "ready", restartCount: 0 });
  // A server that is started again asks the new holder.
  const again = await cluster.node("a");
  expect(await ask(again, sessionId, "more")).toEqual(["before", WORDS, "more"]);
}, 180_000);

test("a node is paused for longer than its lease: what it does when it wakes up is refused, and nothing is said twice", async () => {
  const a = await cluster.node("a");
  const { sessionId, sandboxId, goOn } = await working(a);
  const first = await cluster.lease(sessionId);
  const b = await cluster.node("b");
  process.kill(a.pid, "SIGSTOP");
  const fence = await moved(sessionId, first);
  await goOn();
  const state = await b.until(sessionId, isDone);
  expect(said(state)).toEqual(["before", WORDS]);
  process.kill(a.pid, "SIGCONT");
  await expect.poll(() => a.output(), { timeout: 60_000 }).toContain("another server runs a session that this one had");
  // The one that woke up sends its clients to the other one, and leaves the sandbox alone.
  expect(await ask(a, sessionId, "more")).toEqual(["before", WORDS, "more"]);
  const after = await a.state(sessionId);
  expect(after).toEqual(await b.state(sessionId));
  expect(after.runtime.sandbox).toMatchObject({ sandboxId, status: "ready", restartCount: 0 });
  expect((await cluster.lease(sessionId))?.fence).toBeGreaterThanOrEqual(fence);
}, 180_000);

test("nodes are restarted one after the other in the middle of a turn: each hands over, and no delta is lost or doubled", async () => {
  const a = await cluster.node("a");
  const { sessionId, sandboxId, goOn } = await working(a);
  const first = await cluster.lease(sessionId);
  const b = await cluster.node("b");
  expect(await a.end("SIGTERM")).toBe(0);
  await moved(sessionId, first);
  const second = await cluster.lease(sessionId);
  const a2 = await cluster.node("a");
  expect(await b.end("SIGTERM")).toBe(0);
  await moved(sessionId, second);
  await goOn();
  const state = await a2.until(sessionId, isDone);
  expect(said(state)).toEqual(["before", WORDS]);
  expect(state.runtime.sandbox).toMatchObject({ sandboxId, status: "ready", restartCount: 0 });
  expect(await ask(a2, sessionId, "more")).toEqual(["before", WORDS, "more"]);
}, 180_000);

test("a node that a session was claimed for, by one that died before it could say so, finds that out and goes on with it", async () => {
  const a = await cluster.node("a");
  const { sessionId, sandboxId, goOn } = await working(a);
  const first = await cluster.lease(sessionId);
  const b = await cluster.node("b");
  await a.end("SIGKILL");
  // What the one that died had claimed for the other one is in the store, and nothing that says so.
  await cluster.database.query(
    `update agent_runtime.logs set fence = fence + 1, node_id = (
       select node_id from agent_runtime.nodes where node_id <> '${first?.nodeId}'
     ) where session_id = '${sessionId}'`,
  );
  await goOn();
  const state = await b.until(sessionId, isDone);
  expect(said(state)).toEqual(["before", WORDS]);
  expect(state.runtime.sandbox).toMatchObject({ sandboxId, status: "ready", restartCount: 0 });
}, 180_000);
