import { initialState } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { createAgentClient } from "../client.ts";
import type { LiveEvent } from "../follow/frame.ts";

const at = "2026-01-01T00:00:00.000Z";
const encoder = new TextEncoder();

function message(seq: number, more: object = {}): string {
  const data = { sessionId: "s", messageId: `m${seq}`, content: "hi", seq, at, ...more };
  return `id: log:${seq}\nevent: session:message:queued\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A server with a log of `lastSeq` events; each stream gives the next of `streams`, cut where its last chunk is "cut". */
function play(lastSeq: number, streams: string[][]) {
  const requests: string[] = [];
  let cancelled = 0;
  const bodyOf = (chunks: string[]): ReadableStream<Uint8Array> =>
    new ReadableStream(
      {
        pull(controller) {
          const chunk = chunks.shift();
          if (chunk === undefined) controller.close();
          else if (chunk === "cut") controller.error(new TypeError("network error"));
          else controller.enqueue(encoder.encode(chunk));
        },
        cancel: () => void (cancelled += 1),
      },
      { highWaterMark: 0 },
    );
  const fetch = (async (url: string, init: RequestInit) => {
    init.signal?.throwIfAborted();
    requests.push(url.slice("http://x/v1".length));
    if (!url.includes("/events")) return Response.json({ ...initialState("s", "log"), lastSeq });
    return new Response(bodyOf(streams.shift() ?? []));
  }) as typeof globalThis.fetch;
  const client = createAgentClient({ baseUrl: "http://x", apiKey: "k", fetch });
  return { client, requests, cancelled: () => cancelled };
}

async function all(batches: AsyncIterable<readonly LiveEvent[]>): Promise<number[][]> {
  const seen: number[][] = [];
  for await (const batch of batches) seen.push(batch.map(({ seq }) => seq));
  return seen;
}

test("what is kept comes in order, in batches as it arrives, wherever the stream is broken into chunks", async () => {
  const text = `retry: 1000\n\n${message(1)}: still here\n\n${message(2, { content: "ä\n\nevent: x" })}`;
  const pieces = text.match(/[\s\S]{1,7}/g) ?? [];
  const { client, requests } = play(3, [[...pieces, message(3, { type: "of a newer server" })]]);
  const events: LiveEvent[] = [];
  for await (const batch of client.readEvents("s")) events.push(...batch);
  expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  expect(events[1]).toEqual({
    type: "session:message:queued",
    seq: 2,
    at,
    data: { sessionId: "s", messageId: "m2", content: "ä\n\nevent: x" },
  });
  expect(requests).toEqual(["/sessions/s?blocks=1", "/sessions/s/events?after=0&logId=log&follow=false"]);
});

test("`after` and `upTo` bound it; what stands for more than its own number says so", async () => {
  const { client, cancelled } = play(9, [[message(4) + message(7, { from: 5 }), message(9, { from: 8 }), message(10)]]);
  const events: LiveEvent[] = [];
  for await (const batch of client.readEvents("s", { after: 3, upTo: 8 })) events.push(...batch);
  expect(events.map(({ from, seq }) => [from, seq])).toEqual([
    [undefined, 4],
    [5, 7],
  ]);
  expect(cancelled()).toBe(1);
  const nothing = play(9, []);
  expect(await all(nothing.client.readEvents("s", { after: 9 }))).toEqual([]);
  expect(nothing.requests).toHaveLength(1);
});

test("after a cut it goes on where it had come to, and a stream that ends early is asked for the rest", async () => {
  const { client, requests } = play(4, [[message(1), "cut"], [message(2) + message(3)], [message(4)]]);
  expect(await all(client.readEvents("s"))).toEqual([[1], [2, 3], [4]]);
  expect(requests.slice(1).map((url) => /after=(\d+)/.exec(url)?.[1])).toEqual(["0", "1", "3"]);
});

test("who leaves off closes the stream", async () => {
  const { client, cancelled } = play(4, [[message(1), message(2), message(3)]]);
  for await (const [event] of client.readEvents("s")) if (event?.seq === 2) break;
  expect(cancelled()).toBe(1);
  const stop = new AbortController();
  const aborted = play(4, [[message(1), "cut"]]);
  const reading = all(aborted.client.readEvents("s", { signal: stop.signal }));
  stop.abort();
  await expect(reading).rejects.toMatchObject({ name: "ClientError" });
});

test("where it gets no further it rejects, with the reason", async () => {
  const resync = 'event: session:resync\ndata: {"sessionId":"s","reason":"cursor_too_old"}\n\n';
  const lost = play(4, [[resync]]);
  await expect(all(lost.client.readEvents("s"))).rejects.toMatchObject({ code: "cursor_too_old" });
  const cut = play(4, [["cut"]]);
  await expect(all(cut.client.readEvents("s"))).rejects.toMatchObject({ code: "unreachable" });
  const short = play(4, [[message(1)], ["retry: 1000\n\n"]]);
  await expect(all(short.client.readEvents("s"))).rejects.toMatchObject({ code: "unreachable" });
  const broken = play(4, [["event: x\ndata: {\n\n"]]);
  await expect(all(broken.client.readEvents("s"))).rejects.toMatchObject({ code: "bad_answer" });
});

test("an event of 20 MB in many chunks takes no longer than its bytes", async () => {
  const large = message(1, { content: "x".repeat(20_000_000) });
  const chunks = Array.from({ length: Math.ceil(large.length / 16_384) }, (_, n) =>
    large.slice(n * 16_384, (n + 1) * 16_384),
  );
  const { client } = play(1, [chunks]);
  const events: LiveEvent[] = [];
  for await (const batch of client.readEvents("s")) events.push(...batch);
  const [event] = events;
  expect(event?.type === "session:message:queued" && event.data.content.length).toBe(20_000_000);
});
