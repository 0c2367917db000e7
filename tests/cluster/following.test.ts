import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Recorder } from "../contract/recorder.ts";
import { startCluster, type ClusterUnderTest } from "../testing/cluster-under-test.ts";
import { prompt } from "../testing/prompts.ts";
import { API_KEY } from "../testing/runtime-under-test.ts";
import type { ServerProcess } from "../testing/server-process.ts";

const WAIT = { timeout: 60_000, interval: 20 };
const WORDS = Array.from({ length: 100 }, (_word, index) => `w${index} `).join("");
/** So long that it goes on when the session moves. */
const LONG = prompt("talk", { text: WORDS, chunk: 6, delayMs: 60 });

let cluster: ClusterUnderTest;
beforeEach(async () => {
  cluster = await startCluster();
});
afterEach(() => cluster[Symbol.asyncDispose]());

const seqs = (recorder: Recorder): number[] => recorder.frames.flatMap(({ seq }) => seq ?? []);

/** A turn of the session is under way, and the one that runs it hangs for longer than its lease. */
async function move([from, to]: readonly ServerProcess[], sessionId: string, messageId: string): Promise<void> {
  if (from === undefined || to === undefined) throw new Error("it needs two");
  const before = await cluster.lease(sessionId);
  const sent = await to.request("POST", `/sessions/${sessionId}/message`, { content: LONG, messageId });
  expect(sent.status).toBe(202);
  await to.until(sessionId, ({ turn, streamingBlockIds }) => turn !== null && streamingBlockIds.length > 0);
  const held = await cluster.lease(sessionId);
  if (before !== undefined) expect(held).toEqual(before);
  process.kill(from.pid, "SIGSTOP");
  try {
    await vi.waitUntil(async () => (await cluster.lease(sessionId))?.fence !== held?.fence, WAIT);
  } finally {
    process.kill(from.pid, "SIGCONT");
  }
}

test("who follows a session stays connected while it moves to another node and back, and misses nothing", async () => {
  const a = await cluster.node("a");
  const sessionId = await cluster.create(a);
  const first = prompt("hello", { text: "hello" });
  await a.request("POST", `/sessions/${sessionId}/message`, { content: first, messageId: "first" });
  await a.until(sessionId, ({ turn, blocks }) => turn === null && blocks.length > 1);
  const b = await cluster.node("b");
  const [atA, atB] = await Promise.all(
    [a, b].map(({ url }) => Recorder.follow(`${url.replace("http", "ws")}/ws`, sessionId, API_KEY)),
  );
  if (atA === undefined || atB === undefined) throw new Error("nobody follows");
  await move([a, b], sessionId, "second");
  await Promise.all([atA.turnOf("second"), atB.turnOf("second")]);
  await move([b, a], sessionId, "third");
  await Promise.all([atA.turnOf("third"), atB.turnOf("third")]);
  const { lastSeq } = await a.state(sessionId);
  const whole = Array.from({ length: lastSeq }, (_unused, index) => index + 1);
  await vi.waitUntil(() => seqs(atA).at(-1) === lastSeq && seqs(atB).at(-1) === lastSeq, WAIT);
  expect(seqs(atA)).toEqual(whole);
  expect(seqs(atB)).toEqual(whole);
  for (const recorder of [atA, atB]) recorder.close();
});
