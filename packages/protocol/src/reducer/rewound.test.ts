import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ConversationBlock } from "../blocks.ts";
import { parseEvent, type EventDraft, type SessionEvent } from "../events.ts";
import { arbitraryLog } from "../testing/arbitrary-log.ts";
import { reduceAll } from "./reduce.ts";
import { emptied, rewindEvents, type PlacedBlock } from "./rewind-events.ts";
import { initialState, type SessionState } from "./state.ts";
import { STATE_LIMITS } from "./window.ts";

const AT = "2026-01-03T00:00:00.000Z";
const start = (): SessionState => ({ ...initialState("s1", "log1"), createdAt: AT });

function numbered(drafts: readonly EventDraft[], after = 0): SessionEvent[] {
  return drafts.map((draft, index) => ({ ...draft, seq: after + index + 1, at: AT }));
}

/** Blocks that began in this part of a log, and are still there. */
function begun(events: readonly SessionEvent[]): PlacedBlock[] {
  const blocks = new Map<string, PlacedBlock>();
  for (const event of events) {
    if (event.type === "session:block:start")
      blocks.set(event.data.block.id, { ...event.data, block: emptied(event.data.block) });
    if (event.type === "session:block:complete" && event.data.block.retracted === true)
      blocks.delete(event.data.blockId);
  }
  return [...blocks.values()];
}

/** Ids of earlier blocks of which this part of a log speaks. */
function touched(events: readonly SessionEvent[]): Set<string> {
  const own = new Set(events.flatMap((event) => (event.type === "session:block:start" ? [event.data.block.id] : [])));
  const ids = events.flatMap((event) =>
    event.type === "session:block:complete" || event.type === "session:block:update" ? [event.data.blockId] : [],
  );
  return new Set(ids.filter((id) => !own.has(id)));
}

/** A state's conversations, as far as a session that goes back gets them again. */
function conversations({ blocks, blocksBefore, subagents }: SessionState) {
  return { blocks, blocksBefore, subagents };
}

function blocksOf(state: SessionState): PlacedBlock[] {
  const all = [{ id: "main", blocks: state.blocks }, ...state.subagents.map(({ id, blocks }) => ({ id, blocks }))];
  return all.flatMap(({ id, blocks }) => blocks.map((block) => ({ conversationId: id, block })));
}

test("a session that went back has the conversations of then, from a snapshot too, and goes on from there", () => {
  fc.assert(
    fc.property(arbitraryLog, fc.double({ min: 0, max: 1, noNaN: true }), (log, share) => {
      const at = Math.floor(share * log.length);
      const [then, now] = [reduceAll(start(), log.slice(0, at)), reduceAll(start(), log)];
      // A session goes back to where no block was being written.
      fc.pre(then.streamingBlockIds.length === 0);
      const changedIds = touched(log.slice(at));
      const changed = blocksOf(then).filter(({ block }) => changedIds.has(block.id));
      const target = { turnId: "t", later: begun(log.slice(at)), changed };
      const events = numbered(rewindEvents(now, then, target), now.lastSeq);
      const after = reduceAll(now, events);
      expect(conversations(after)).toEqual(conversations(then));
      expect(after).toMatchObject({ streamingBlockIds: [], sessionMetadata: now.sessionMetadata });
      const fromJson = JSON.parse(JSON.stringify(now)) as SessionState;
      expect(JSON.stringify(reduceAll(fromJson, events))).toBe(JSON.stringify(after));
      // Nothing of the later part counts any more.
      const again: ConversationBlock = { type: "system", id: "next", timestamp: AT, content: "goes on" };
      const place = { sessionId: "s1", conversationId: "main" };
      const next: EventDraft[] = [
        { type: "session:block:start", data: { ...place, block: again } },
        { type: "session:block:complete", data: { ...place, blockId: "next", block: again } },
      ];
      const there = reduceAll(then, numbered(next, then.lastSeq));
      const here = reduceAll(after, numbered(next, after.lastSeq));
      expect(conversations(here)).toEqual(conversations(there));
    }),
    { numRuns: 100 },
  );
});

test("blocks that had left the window are in it again, and the cursor of older ones is that of then", () => {
  const said = (from: number, count: number): EventDraft[] =>
    Array.from({ length: count }, (_, n) => {
      const block: ConversationBlock = { type: "system", id: `b:${from + n}`, timestamp: AT, content: "x" };
      const place = { sessionId: "s1", conversationId: "main" };
      return [
        { type: "session:block:start" as const, data: { ...place, block } },
        { type: "session:block:complete" as const, data: { ...place, blockId: block.id, block } },
      ];
    }).flat();
  const log = numbered([...said(0, STATE_LIMITS.blocks + 10), ...said(1000, STATE_LIMITS.blocks)]);
  const cut = 2 * (STATE_LIMITS.blocks + 10);
  const [then, now] = [reduceAll(start(), log.slice(0, cut)), reduceAll(start(), log)];
  const events = numbered(
    rewindEvents(now, then, { turnId: "t", later: begun(log.slice(cut)), changed: [] }),
    now.lastSeq,
  );
  const after = reduceAll(now, events);
  expect(after.blocksBefore).toBe("b:10");
  // Of what is in the window still the event says only how much.
  const near = reduceAll(start(), log.slice(0, cut + 20));
  const [short] = rewindEvents(near, then, { turnId: "t", later: begun(log.slice(cut, cut + 20)), changed: [] }).slice(
    -1,
  );
  expect(short).toMatchObject({ data: { window: { keep: STATE_LIMITS.blocks - 10, before: "b:10" } } });
  expect(JSON.stringify(short).length).toBeLessThan(2000);
  expect(conversations(after)).toEqual(conversations(then));
  // Where the window has all of them, the event has none.
  const few = reduceAll(start(), log.slice(0, 20));
  const [last] = rewindEvents(few, reduceAll(start(), log.slice(0, 10)), {
    turnId: "t",
    later: begun(log.slice(10, 20)),
    changed: [],
  }).slice(-1);
  expect(last).toEqual({ type: "session:rewound", data: { sessionId: "s1", turnId: "t", subagents: [] } });
});

test("what was allowed, and which turn was the last, is as it was then", () => {
  const lastTurn = { turnId: "t1", status: "completed" as const };
  const then: SessionState = { ...start(), allowedTools: ["Bash(ls:*)"], lastTurn };
  const now: SessionState = {
    ...then,
    allowedTools: ["Bash(ls:*)", "Write"],
    lastTurn: { turnId: "t2", status: "failed" },
    lastSeq: 5,
  };
  const back = (to: SessionState): SessionState =>
    reduceAll(now, numbered(rewindEvents(now, to, { turnId: "t1", later: [], changed: [] }), 5));
  expect(back(then)).toMatchObject({ allowedTools: ["Bash(ls:*)"], lastTurn, lastActivity: AT });
  expect(back(start())).not.toHaveProperty("allowedTools");
  expect(back(start())).not.toHaveProperty("lastTurn");
});

test("what an update gave a block is still there when the event has been stored", () => {
  const call: ConversationBlock = {
    type: "tool_use",
    id: "c",
    timestamp: AT,
    toolName: "Bash",
    toolUseId: "c",
    input: {},
    status: "success",
  };
  const known = { ...call, durationMs: 5 };
  const event: SessionEvent = {
    seq: 1,
    at: AT,
    type: "session:rewound",
    data: { sessionId: "s1", turnId: "t", subagents: [], window: { blocks: [known], keep: 0 } },
  };
  expect(parseEvent(JSON.parse(JSON.stringify(event)))).toEqual(event);
});
