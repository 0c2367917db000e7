import { initialState, reduceAll, type ConversationBlock, type SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { Tape, type TapeEvent } from "./tape.ts";
import { Timeline } from "./timeline.ts";

const at = "2026-01-01T00:00:00.000Z";
const sessionId = "s";

function block(n: number): ConversationBlock {
  return { type: "assistant_text", id: `b${n}`, timestamp: at, content: "" };
}

/** A log of so many events: blocks with deltas. */
function log(count: number): SessionEvent[] {
  return Array.from({ length: count }, (_, n): SessionEvent => {
    const seq = n + 1;
    const conversationId = "main";
    if (n % 10 === 0)
      return { seq, at, type: "session:block:start", data: { sessionId, conversationId, block: block(n) } };
    const blockId = `b${n - (n % 10)}`;
    return { seq, at, type: "session:block:delta", data: { sessionId, conversationId, blockId, delta: `${n} ` } };
  });
}

const stateOf = (events: readonly SessionEvent[]) => reduceAll(initialState(sessionId, "log"), events);

function tapeOf(events: readonly TapeEvent[], tail = 100) {
  const reads: { after?: number; upTo?: number }[] = [];
  const client = {
    async *readEvents(_: string, { after = 0, upTo = Infinity }: { after?: number; upTo?: number } = {}) {
      reads.push({ after, upTo });
      const wanted = events.filter(({ seq }) => seq > after && seq <= upTo);
      for (let from = 0; from < wanted.length; from += 64) yield await Promise.resolve(wanted.slice(from, from + 64));
    },
  };
  return { tape: new Tape({ sessionId, logId: "log", client, tail }), reads };
}

test("the state at any place is the reduced log up to there, between keyframes and at them", () => {
  const events = log(2300);
  const timeline = new Timeline(sessionId, "log");
  timeline.append(events.slice(0, 1700));
  timeline.append(events);
  for (const seq of [0, 1, 499, 500, 501, 1000, 1234, 2299, 2300, 9999])
    expect(timeline.at(seq)).toEqual(stateOf(events.slice(0, seq)));
});

test("blocks that left the window are as they were then, page by page up to the first", () => {
  const events = log(12_000);
  const timeline = new Timeline(sessionId, "log");
  timeline.append(events);
  const state = timeline.at(11_000);
  let blocks = [...state.blocks];
  let before = state.blocksBefore;
  let pages = 0;
  for (; before !== undefined; pages += 1) {
    const page = timeline.blocksBefore(11_000, "main", before);
    expect(page.blocks.length).toBeGreaterThan(0);
    blocks = [...page.blocks, ...blocks];
    before = page.before;
  }
  expect(pages).toBeGreaterThan(0);
  const whole = new Map(
    events
      .slice(0, 11_000)
      .flatMap((event) => (event.type === "session:block:start" ? [[event.data.block.id, ""]] : [])),
  );
  for (const { type, data } of events.slice(0, 11_000))
    if (type === "session:block:delta") whole.set(data.blockId, (whole.get(data.blockId) ?? "") + data.delta);
  expect(blocks.map((block) => [block.id, "content" in block && block.content])).toEqual([...whole]);
  expect(timeline.blocksBefore(11_000, "main", "unknown")).toEqual({ blocks: [] });
  expect(timeline.blocksBefore(11_000, "nobody", "b0")).toEqual({ blocks: [] });
});

test("a place that compaction took is the last one before it that is kept", () => {
  const events = log(30).filter(({ seq }) => seq < 10 || seq > 20);
  const timeline = new Timeline(sessionId, "log");
  timeline.append(events);
  expect(timeline.at(15)).toEqual(timeline.at(9));
  expect(timeline.eventAt(15)?.seq).toBe(9);
  expect(timeline.eventAt(0)).toBeUndefined();
});

test("a tape begins at the log's end, has the rest when it is asked for, and goes on live", async () => {
  const events = log(1000);
  const { tape, reads } = tapeOf(events);
  await tape.readTo(900);
  expect(tape.getSnapshot()).toMatchObject({ after: 800, timeline: undefined, isReading: false });
  expect(tape.getSnapshot().events).toEqual(events.slice(800, 900));
  await tape.readAll();
  expect(tape.getSnapshot().events).toEqual(events.slice(0, 900));
  expect(reads).toEqual([
    { after: 800, upTo: 900 },
    { after: 0, upTo: 800 },
  ]);
  // Events that are here already change nothing, and a hole is left for reading.
  tape.push(events.slice(895, 910));
  tape.push(events.slice(950));
  expect(tape.end).toBe(910);
  await tape.readTo(1000);
  expect(tape.getSnapshot().events).toEqual(events);
  expect(tape.getSnapshot().timeline?.at(955)).toEqual(stateOf(events.slice(0, 955)));
  await tape.readAll();
  expect(reads).toHaveLength(3);
});

test("what cannot be read is said, and reading again goes on", async () => {
  let isAway = true;
  const flaky = new Tape({
    sessionId,
    logId: "log",
    client: {
      async *readEvents() {
        if (isAway) throw new Error("The server is away.");
        yield await Promise.resolve(log(50));
      },
    },
  });
  await flaky.readTo(50);
  expect(flaky.getSnapshot()).toMatchObject({ isReading: false, error: "The server is away.", events: [] });
  isAway = false;
  await flaky.readTo(50);
  expect(flaky.getSnapshot()).toMatchObject({ isReading: false, error: undefined });
  expect(flaky.end).toBe(50);
});
