import {
  createLineSplitter,
  encodeLine,
  RuntimeError,
  WIRE_VERSION,
  type RunnerFrame,
} from "@hhopkins/agent-runtime-protocol";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, test, vi } from "vitest";
import { RunnerLink } from "./runner-link.ts";
import { UnsavedBytes } from "./unsaved-bytes.ts";

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const delta = (n: number): RunnerFrame => ({
  type: "entry",
  n,
  body: { kind: "block:delta", conversationId: "main", blockId: "b:1", delta: `${n}` },
});

function linked(taken = 0, all = new UnsavedBytes({ perSession: 2 ** 23, total: 2 ** 27 }), silenceMs = 10_000) {
  const onEntries = vi.fn();
  const onEnding = vi.fn();
  const unsaved = all.account();
  const onDisowned = vi.fn();
  const about = { generation: 2, fence: 1, silenceMs, taken, unsaved };
  const link = new RunnerLink({ ...about, onEntries, onEnding, onDisowned, log: quiet });
  return { link, onEntries, onEnding, onDisowned, unsaved };
}

/** Two ends of one real stream. */
async function streamPair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const mine = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [theirs] = (await accepted) as [Socket];
  server.close();
  return [theirs, mine];
}

/** A runner's end of a stream: what it was sent, and how to say something. */
async function runner(link: RunnerLink) {
  const [server, mine] = await streamPair();
  const got: { type: string; id?: string; n?: number; after?: number }[] = [];
  const lines = createLineSplitter();
  mine.on("data", (chunk: Uint8Array) =>
    got.push(...lines.push(chunk).map((line) => JSON.parse(line) as (typeof got)[number])),
  );
  mine.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => mine.on("close", resolve));
  link.connect(server);
  const say = (...frames: unknown[]): void => void mine.write(frames.map((frame) => encodeLine(frame)).join(""));
  const hello = (last = 0, generation = 2): void =>
    say({ type: "hello", version: WIRE_VERSION, generation, first: 1, last, fence: 0 });
  return { got, say, hello, closed, mine };
}

test("attaches by number; entries arrive once, in order, over broken streams", async () => {
  const { link } = linked(3);
  const first = await runner(link);
  first.hello(6);
  await vi.waitFor(() => expect(first.got).toMatchObject([{ type: "attach", after: 3 }]));
  first.say(delta(4), delta(5));
  await vi.waitFor(() => expect(link.take(10).map(({ n }) => n)).toEqual([4, 5]));
  link.saved(4);
  await vi.waitFor(() => expect(first.got.at(-1)).toMatchObject({ type: "ack", n: 4 }));
  // 5 was taken but never saved: the next stream brings it again.
  const second = await runner(link);
  await first.closed;
  second.hello(6);
  await vi.waitFor(() => expect(second.got).toMatchObject([{ type: "attach", after: 4 }]));
  second.say(delta(5), delta(5), delta(6));
  await vi.waitFor(() => expect(link.take(10).map(({ n }) => n)).toEqual([5, 6]));
});

test("a command is sent again on each stream until its reply is there", async () => {
  const { link } = linked();
  const answer = link.command("c1", { kind: "sync" });
  const first = await runner(link);
  first.hello();
  await vi.waitFor(() => expect(first.got.map(({ id }) => id)).toContain("c1"));
  const second = await runner(link);
  second.hello();
  await vi.waitFor(() => expect(second.got.map(({ id }) => id)).toContain("c1"));
  second.say({ type: "reply", id: "c1", ok: true, data: 7 });
  expect(await answer).toBe(7);
  const refused = link.command("c2", { kind: "sync" });
  second.say({ type: "reply", id: "c2", ok: false, error: { code: "harness_timeout", message: "too slow" } });
  await expect(refused).rejects.toMatchObject({ code: "harness_timeout", message: "too slow" });
});

test.each([
  ["another generation", { type: "hello", version: WIRE_VERSION, generation: 1, first: 1, last: 0, fence: 0 }],
  ["another version", { type: "hello", version: 99, generation: 2, first: 1, last: 0, fence: 0 }],
  ["an entry before hello", delta(1)],
  ["what no runner may say", { type: "entry", n: 1, body: { kind: "session:status", status: "ready" } }],
  ["no object", "null"],
])("%s closes the stream and nothing else", async (_name, frame) => {
  const { link, onEntries } = linked();
  const bad = await runner(link);
  bad.say(frame);
  await bad.closed;
  expect(onEntries).not.toHaveBeenCalled();
  const good = await runner(link);
  good.hello(1);
  good.say(delta(1));
  await vi.waitFor(() => expect(link.take(10)).toHaveLength(1));
});

test("broken JSON, a hole in the numbers and a line without end close the stream", async () => {
  for (const bytes of ["{broken\n", encodeLine(delta(2)), "x".repeat(5 * 1024 * 1024)]) {
    const { link } = linked();
    const bad = await runner(link);
    bad.hello(2);
    bad.mine.write(bytes);
    await bad.closed;
    expect(link.take(10)).toEqual([]);
  }
});

test("a runner that was prepared to end says so in its hello; one that stops does not count", async () => {
  const { link, onEnding } = linked(5);
  const stopped = await runner(link);
  stopped.hello(6);
  stopped.say({ type: "refused", code: "ending", message: "stops" });
  const prepared = await runner(link);
  await stopped.closed;
  expect(onEnding).not.toHaveBeenCalled();
  prepared.say({ type: "hello", version: WIRE_VERSION, generation: 2, first: 1, last: 5, fence: 0, ending: true });
  await vi.waitFor(() => expect(onEnding).toHaveBeenCalledOnce());
  expect([link.ending, link.attached]).toEqual([true, true]);
});

test("says how long it is silent at most, and speaks in time", async () => {
  const { link } = linked(0, undefined, 40);
  const { got, hello } = await runner(link);
  hello();
  await vi.waitFor(() => expect(got.filter(({ type }) => type === "ping").length).toBeGreaterThan(2));
  expect(got[0]).toMatchObject({ type: "attach", silenceMs: 40, gatewayOutlives: false });
  link.close();
});

test("a runner that says another server has it is reported, and nothing else happens by its word", async () => {
  const { link, onDisowned } = linked();
  const answer = link.command("c1", { kind: "sync" });
  for (const code of ["stale_fence", "replaced", "ending"]) {
    const refusing = await runner(link);
    refusing.say({ type: "refused", code, message: "so it says" });
    refusing.mine.end();
    await refusing.closed;
  }
  await vi.waitFor(() => expect(onDisowned).toHaveBeenCalledTimes(2));
  const good = await runner(link);
  good.hello();
  await vi.waitFor(() => expect(good.got.map(({ id }) => id)).toContain("c1"));
  good.say({ type: "reply", id: "c1", ok: true, data: 1 });
  expect(await answer).toBe(1);
});

test("a closed link fails what waits and takes no streams", async () => {
  const { link } = linked();
  const waiting = link.command("c1", { kind: "sync" });
  link.close(new RuntimeError("sandbox_lost", "gone"));
  await expect(waiting).rejects.toMatchObject({ code: "sandbox_lost", message: "gone" });
  await expect(link.command("c2", { kind: "sync" })).rejects.toMatchObject({ code: "sandbox_lost" });
  const late = await runner(link);
  await late.closed;
});

/** Entries of some 10 KB each. */
const large = (first: number, last: number): RunnerFrame[] =>
  Array.from({ length: last - first + 1 }, (_unused, index) => ({
    type: "entry",
    n: first + index,
    body: { kind: "block:delta", conversationId: "main", blockId: "b:1", delta: "x".repeat(10_000) },
  }));

test("what is received and not saved is bounded: the stream waits, and nothing is lost", async () => {
  const { link, unsaved } = linked(0, new UnsavedBytes({ perSession: 1_000_000, total: 10_000_000 }));
  const { hello, say, mine } = await runner(link);
  hello(600);
  say(...large(1, 600));
  const seen: number[] = [];
  let most = 0;
  while (seen.length < 600) {
    // It stands still: nothing more comes until something is saved.
    await vi.waitFor(() => expect(unsaved.isFull || seen.length > 500).toBe(true), { interval: 2 });
    await new Promise((resolve) => setTimeout(resolve, 1));
    const taken = link.take(20);
    // Taken is not saved.
    most = Math.max(most, unsaved.bytes);
    seen.push(...taken.map(({ n }) => n));
    const last = seen.at(-1);
    if (last !== undefined) link.saved(last);
  }
  expect(seen).toEqual(Array.from({ length: 600 }, (_unused, index) => index + 1));
  expect(most).toBeGreaterThan(500_000);
  expect(most).toBeLessThan(1_000_000);
  expect(unsaved.bytes).toBe(0);
  expect(mine.writableLength).toBe(0);
});

test("one bound for all sessions; who holds nothing is let go on when the others have saved", async () => {
  const all = new UnsavedBytes({ perSession: 1_000_000, total: 1_200_000 });
  const links = [linked(0, all), linked(0, all), linked(0, all)];
  const runners = await Promise.all(links.map(({ link }) => runner(link)));
  for (const { hello, say } of runners) {
    hello(100);
    say(...large(1, 100));
  }
  await vi.waitFor(() => expect(all.isFull).toBe(true));
  expect(all.bytes).toBeLessThan(1_000_000);
  const seen = links.map(() => 0);
  for (let round = 0; seen.some((n) => n < 100); round += 1) {
    expect(round).toBeLessThan(10_000);
    for (const [index, { link }] of links.entries()) {
      const last = link.take(10).at(-1)?.n;
      expect(all.bytes).toBeLessThan(1_200_000);
      if (last === undefined) continue;
      seen[index] = last;
      link.saved(last);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(all.bytes).toBe(0);
});

test("a line longer than the bound gets through, and a link that is closed or begins anew holds nothing", async () => {
  const { link, unsaved } = linked(0, new UnsavedBytes({ perSession: 50_000, total: 50_000 }));
  const first = await runner(link);
  first.hello(9);
  const long: RunnerFrame = {
    type: "entry",
    n: 1,
    body: { kind: "block:delta", conversationId: "main", blockId: "b:1", delta: "x".repeat(400_000) },
  };
  first.say(long, delta(2));
  await vi.waitFor(() => expect(link.take(1)).toHaveLength(1));
  expect(unsaved.hasRoom(1)).toBe(false);
  link.rewind();
  await first.closed;
  await vi.waitFor(() => expect(unsaved.bytes).toBe(0));
  expect(unsaved.hasRoom(1)).toBe(true);
  const second = await runner(link);
  second.hello(9);
  second.say(long, delta(2));
  await vi.waitFor(() => expect(unsaved.isFull).toBe(true));
  link.close();
  expect(unsaved.bytes).toBe(0);
});
