import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LogFrame } from "../../log/frame.ts";
import { eventStream } from "./event-stream.ts";
import { KEY, serve, type Serving } from "../testing/serving.ts";
import { textEvents } from "../testing/text-events.ts";

const principal = { id: "a", tenant: "a" };
let serving: Serving;
let id: string;

async function start(rest: Parameters<typeof serve>[0] = {}): Promise<void> {
  serving = await serve(rest);
  id = (await serving.sessions.create(principal, { agentProfileRef: "default", architecture: "claude-agent-sdk" }))
    .sessionId;
}

beforeEach(() => start());
afterEach(() => serving.stop());

interface SseEvent {
  id?: string;
  event?: string;
  data?: Record<string, unknown>;
}

function parse(text: string): SseEvent[] {
  return text
    .split("\n\n")
    .map((chunk) => {
      const fields = chunk.split("\n").flatMap((line) => {
        const at = line.indexOf(": ");
        return at > 0 ? [[line.slice(0, at), line.slice(at + 2)] as const] : [];
      });
      const { data, ...rest } = Object.fromEntries(fields) as Record<string, string>;
      return { ...rest, ...(data === undefined ? {} : { data: JSON.parse(data) as Record<string, unknown> }) };
    })
    .filter((event: SseEvent) => event.event !== undefined);
}

function open(query: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(`${serving.url}/sessions/${id}/events${query}`, {
    headers: { "x-api-key": KEY, ...headers },
    ...(signal === undefined ? {} : { signal }),
  });
}

test("follow=false gives everything after the cursor and ends", async () => {
  for (const draft of textEvents(id, "b1", ["a\nb", "ü"])) serving.sessions.append(id, draft);
  const response = await open("?follow=false");
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const events = parse(await response.text());
  expect(events.map((event) => [event.id, event.event])).toEqual([
    ["log:1:1", "session:created"],
    ["log:1:2", "session:block:start"],
    ["log:1:3", "session:block:delta"],
    ["log:1:4", "session:block:delta"],
    ["log:1:5", "session:block:complete"],
  ]);
  expect(events[2]?.data).toMatchObject({
    sessionId: id,
    blockId: "b1",
    delta: "a\nb",
    seq: 3,
    at: expect.any(String) as string,
  });
  const rest = parse(await (await open("?follow=false&after=4&logId=log:1")).text());
  expect(rest.map((event) => event.data?.seq)).toEqual([5]);
  const resumed = parse(await (await open("?follow=false&after=0", { "last-event-id": "log:1:3" })).text());
  expect(resumed.map((event) => event.data?.seq)).toEqual([4, 5]);
});

test("live events follow history; leaving ends the follow", async () => {
  const leaving = new AbortController();
  const response = await open("?after=1", {}, leaving.signal);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (const draft of textEvents(id, "b1", ["a"])) serving.sessions.append(id, draft);
  let text = "";
  while (!text.includes("block:complete")) text += (await reader.read()).value ?? "";
  expect(parse(text).map((event) => event.data?.seq)).toEqual([2, 3, 4]);
  expect(serving.sessions.following).toBe(1);
  leaving.abort();
  await vi.waitFor(() => expect(serving.sessions.following).toBe(0));
});

test("a reader that leaves while the stream waits is no fault", async () => {
  const error = vi.fn();
  const ending = new AbortController();
  const batches = (async function* () {
    await new Promise<void>((resolve) => ending.signal.addEventListener("abort", () => resolve()));
    yield [];
  })();
  const log = { warn: vi.fn(), error };
  const client = new AbortController();
  const options = { sessionId: "s", ending, client: client.signal, heartbeatMs: 60_000, streamMs: 60_000, log };
  const reader = eventStream({ logId: "l", lastSeq: 0, batches }, options).getReader();
  await reader.read();
  const waiting = reader.read();
  // The stream is pulled once its last pull has settled.
  await new Promise((resolve) => setImmediate(resolve));
  await reader.cancel();
  client.abort();
  expect(await waiting).toEqual({ done: true, value: undefined });
  await new Promise((resolve) => setImmediate(resolve));
  expect(error).not.toHaveBeenCalled();
});

test.each([
  { merges: true, seqs: [1, 4], name: "a slow reader that follows gets deltas of one block merged" },
  { merges: false, seqs: [1, 2, 3, 4], name: "who reads the log gets each event of it, however slowly" },
])("$name", async ({ merges, seqs }) => {
  const data = { sessionId: "s", conversationId: "main", blockId: "b", delta: "x" };
  const frames = [1, 2, 3, 4].map((seq) => new LogFrame({ seq, at: "", type: "session:block:delta", data }));
  const batches = (async function* () {
    yield await Promise.resolve(frames.slice(0, 1));
    yield frames.slice(1);
  })();
  let time = 0;
  const stream = eventStream(
    { logId: "l", lastSeq: 4, batches },
    {
      sessionId: "s",
      ending: new AbortController(),
      client: new AbortController().signal,
      heartbeatMs: 60_000,
      streamMs: 60_000,
      log: { warn: vi.fn(), error: vi.fn() },
      merges,
      now: () => (time += 1000),
    },
  );
  const events = parse(await new Response(stream).text());
  expect(events.map((event) => event.data?.seq)).toEqual(seqs);
});

test("heartbeats while nothing happens, and an end by itself", async () => {
  await serving.stop();
  await start({ rest: { heartbeatMs: 5, streamMs: 100 } });
  const text = await (await open("?after=1")).text();
  expect(text).toContain(": still here\n\n");
  expect(parse(text)).toEqual([]);
  await vi.waitFor(() => expect(serving.sessions.following).toBe(0));
});

test("a cursor that cannot be served gets a resync without an id", async () => {
  for (const [query, reason] of [
    ["?after=9", "cursor_ahead"],
    ["?after=1&logId=other", "log_replaced"],
  ] as const) {
    const [event, ...more] = parse(await (await open(query)).text());
    expect(event).toEqual({ event: "session:resync", data: { sessionId: id, reason, lastSeq: 1, logId: "log:1" } });
    expect(more).toEqual([]);
  }
});

test("bad cursors and unknown sessions are plain errors", async () => {
  for (const query of ["?after=-1", "?after=x", "?after=99999999999999999", "?follow=perhaps", "?aftr=1"]) {
    expect([query, (await open(query)).status]).toEqual([query, 400]);
  }
  expect((await open("", { "last-event-id": "7" })).status).toBe(400);
  id = "nobody";
  expect((await open("")).status).toBe(404);
});

test("a deleted session ends the stream", async () => {
  const response = await open("?after=1");
  await serving.sessions.delete(principal, id);
  expect(parse(await response.text())).toEqual([]);
});

test("a client that does not read holds the follow back", async () => {
  const response = await open("?after=0");
  const text = "x".repeat(100_000);
  for (const draft of textEvents(
    id,
    "b1",
    Array.from({ length: 400 }, () => text),
  ))
    serving.sessions.append(id, draft);
  const reader = response.body!.getReader();
  await reader.read();
  // 40 MB wait; the sockets between take a few of them, and then nothing more is pulled.
  const settled = async (): Promise<number> => {
    const before = serving.sessions.pulled;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return serving.sessions.pulled === before ? before : settled();
  };
  expect(await settled()).toBeLessThan(300);
  let bytes = 0;
  for (let next = await reader.read(); bytes < 40_000_000 && !next.done; next = await reader.read())
    bytes += next.value.byteLength;
  expect(bytes).toBeGreaterThanOrEqual(40_000_000);
  expect(serving.sessions.pulled).toBeGreaterThanOrEqual(400);
  await reader.cancel();
});
