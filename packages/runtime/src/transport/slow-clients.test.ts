import { initialState, reduce, type SessionEvent, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogFrame } from "../log/frame.ts";
import { eventStream } from "./sse/event-stream.ts";
import { KEY, serve, type Serving } from "./testing/serving.ts";
import { textEvents } from "./testing/text-events.ts";
import { SILENT_LOG } from "./transport-log.ts";
import { TestClient, type Frame } from "./testing/ws-client.ts";

const principal = { id: "a", tenant: "a" };
let serving: Serving;
let id: string;

beforeEach(async () => {
  serving = await serve({ webSocket: { bufferBytes: 50_000 } });
  const created = await serving.sessions.create(principal, {
    agentProfileRef: "default",
    architecture: "claude-agent-sdk",
  });
  id = created.sessionId;
});
afterEach(() => serving.stop());

/** What frames say together; throws where they leave a hole. */
function folded(frames: readonly Frame[]): SessionState {
  let state = initialState(id, "log:1");
  for (const { event: type, data, seq, from, at } of frames) {
    if (seq === undefined) continue;
    if ((from ?? seq) !== state.lastSeq + 1) throw new Error(`frame ${seq} after ${state.lastSeq}`);
    state = reduce(state, { seq, at, type, data } as unknown as SessionEvent);
  }
  return state;
}

test("deltas that wait for a slow WebSocket come as fewer frames, which leave no hole and say the same", async () => {
  const client = async (): Promise<TestClient> => {
    const made = await new TestClient(`ws://127.0.0.1:${serving.port}/ws`, { headers: { "x-api-key": KEY } }).opened();
    await made.ask("session:join", { sessionId: id });
    return made;
  };
  await using slow = await client();
  await using quick = await client();
  slow.webSocket.pause();
  const count = 8000;
  const [start, ...deltas] = textEvents(
    id,
    "b1",
    Array.from({ length: count }, (_unused, n) => `${n} `.padEnd(3000, "x")),
  );
  serving.sessions.append(id, start!);
  // A few at a time, as a model streams them: who reads them is never behind.
  for (const [index, delta] of deltas.entries()) {
    serving.sessions.append(id, delta);
    if (index % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const last = count + 3;
  await quick.next((frame) => frame.seq === last);
  slow.webSocket.resume();
  await slow.next((frame) => frame.seq === last);
  const expected = JSON.stringify(await serving.sessions.state(principal, id));
  expect(JSON.stringify(folded(slow.frames))).toBe(expected);
  expect(JSON.stringify(folded(quick.frames))).toBe(expected);
  expect(slow.seqs().length).toBeLessThan(last - 500);
});

test("who keeps up on a WebSocket gets every delta as it is", async () => {
  await using client = await new TestClient(`ws://127.0.0.1:${serving.port}/ws`, {
    headers: { "x-api-key": KEY },
  }).opened();
  await client.ask("session:join", { sessionId: id });
  const drafts = textEvents(
    id,
    "b1",
    Array.from({ length: 200 }, (_unused, n) => `word ${n} `),
  );
  for (const draft of drafts) serving.sessions.append(id, draft);
  await client.next((frame) => frame.seq === 203);
  expect(client.seqs()).toEqual(Array.from({ length: 203 }, (_unused, n) => n + 1));
});

test("a reader of SSE gets every delta as it is, or, when it was slow to come back for more, those that wait as one event", async () => {
  const frame = (seq: number): LogFrame => {
    const data = { sessionId: "s", conversationId: "main", blockId: "b", delta: `${seq} ` };
    return new LogFrame({ seq, at: "2026-01-01T00:00:01.000Z", type: "session:block:delta", data });
  };
  const batches = (async function* () {
    for (const seqs of [
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ])
      yield seqs.map(frame);
  })();
  let time = 0;
  const options = { heartbeatMs: 60_000, streamMs: 60_000, log: SILENT_LOG, now: () => time };
  const ending = new AbortController();
  const client = new AbortController().signal;
  const stream = eventStream({ logId: "l", lastSeq: 0, batches }, { sessionId: "s", ending, client, ...options });
  const reader = stream.getReader();
  expect(await nextNumbers(reader)).toEqual([]);
  expect(await nextNumbers(reader)).toEqual(["1", "2"]);
  expect(await nextNumbers(reader)).toEqual(["3", "4"]);
  time = 100;
  expect(await nextNumbers(reader)).toEqual(["5-6"]);
  expect(await nextNumbers(reader)).toEqual(["7", "8"]);
  await reader.cancel();
});

/** The next chunk, as the numbers that its events stand for. */
async function nextNumbers(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string[]> {
  const { value } = await reader.read();
  const data = [...new TextDecoder().decode(value).matchAll(/^data: (.*)$/gm)];
  return data.map(([, json = ""]) => {
    const { seq, from } = JSON.parse(json) as { seq: number; from?: number };
    return from === undefined ? `${seq}` : `${from}-${seq}`;
  });
}
