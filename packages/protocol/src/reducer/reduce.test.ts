import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EventDraft, SessionEvent } from "../events.ts";
import { arbitraryLog } from "../testing/arbitrary-log.ts";
import { reduce, reduceAll } from "./reduce.ts";
import { initialState, type SessionState } from "./state.ts";
import { STATE_LIMITS } from "./window.ts";

const start = (): SessionState => initialState("s1", "log1");
const AT = "2026-01-01T00:00:00.000Z";
const numbered = (drafts: EventDraft[]): SessionEvent[] =>
  drafts.map((draft, index) => ({ seq: index + 1, at: AT, ...draft }));
const place = { sessionId: "s1", conversationId: "main" };

function textBlock(id: string, content: string) {
  return { type: "assistant_text" as const, id, timestamp: AT, content };
}

function said(id: string, content: string): EventDraft[] {
  return [
    { type: "session:block:start", data: { ...place, block: textBlock(id, "") } },
    { type: "session:block:complete", data: { ...place, blockId: id, block: textBlock(id, content) } },
  ];
}

function windowStep(id: string, made: { kind: string; size: number; later: number }): EventDraft[] {
  const [first, last] = said(id, "x".repeat(made.size));
  const delta: EventDraft = { type: "session:block:delta", data: { ...place, blockId: id, delta: "y".repeat(99) } };
  const content = "z".repeat(made.later);
  switch (made.kind) {
    case "open":
      return [first!, delta];
    case "retracted": {
      const block = { ...textBlock(id, content), retracted: true as const };
      return [first!, delta, { type: "session:block:complete", data: { ...place, blockId: id, block } }];
    }
    case "updated":
      return [first!, last!, { type: "session:block:update", data: { ...place, blockId: id, updates: { content } } }];
    case "twice":
      return [first!, last!, ...said(id, content)];
    default:
      return [first!, delta, last!];
  }
}

describe("reduce over random logs", () => {
  test("a snapshot at any cut, through JSON, and the events after it give the same bytes", () => {
    fc.assert(
      fc.property(arbitraryLog, fc.double({ min: 0, max: 1, noNaN: true }), (log, share) => {
        const cut = Math.floor(share * log.length);
        const snapshot = JSON.parse(JSON.stringify(reduceAll(start(), log.slice(0, cut)))) as SessionState;
        expect(JSON.stringify(reduceAll(snapshot, log.slice(cut)))).toBe(JSON.stringify(reduceAll(start(), log)));
      }),
      { numRuns: 200 },
    );
  });

  test("a full window lets go of the same blocks, whether its size was carried on or is counted", () => {
    const size = fc.nat(STATE_LIMITS.content + 4000);
    const kind = fc.constantFrom("said", "open", "retracted", "updated", "twice");
    const steps = fc.array(fc.record({ size, later: size, kind }), { minLength: 40, maxLength: 90 });
    fc.assert(
      fc.property(steps, fc.nat(), (made, pick) => {
        const log = numbered(made.flatMap((step, index) => windowStep(`b:${index}`, step)));
        const cut = pick % log.length;
        // From JSON nothing is known of sizes.
        const snapshot = JSON.parse(JSON.stringify(reduceAll(start(), log.slice(0, cut)))) as SessionState;
        const ids = (state: SessionState): string[] => state.blocks.map(({ id }) => id);
        expect(ids(reduceAll(snapshot, log.slice(cut)))).toEqual(ids(reduceAll(start(), log)));
      }),
      { numRuns: 30, endOnFailure: true },
    );
  });

  test("an event that comes again changes nothing", () => {
    fc.assert(
      fc.property(arbitraryLog, fc.nat(), (log, pick) => {
        const from = pick % log.length;
        const state = reduceAll(start(), log);
        expect(reduceAll(state, log.slice(from))).toBe(state);
      }),
      { numRuns: 50 },
    );
  });

  test("merged deltas and deltas that were dropped before their complete give the same bytes", () => {
    fc.assert(
      fc.property(arbitraryLog, (log) => {
        const complete = new Set(
          log.flatMap((event) => (event.type === "session:block:complete" ? [event.data.blockId] : [])),
        );
        const compacted = log.filter(
          (event) => event.type !== "session:block:delta" || !complete.has(event.data.blockId),
        );
        const last = log.at(-1)?.seq ?? 0;
        const full = { ...reduceAll(start(), log), lastSeq: last };
        expect(JSON.stringify({ ...reduceAll(start(), compacted), lastSeq: last })).toBe(JSON.stringify(full));
      }),
      { numRuns: 200 },
    );
  });

  test("the bounds hold", () => {
    fc.assert(
      fc.property(arbitraryLog, (log) => {
        const state = reduceAll(start(), log);
        for (const { blocks } of [state, ...state.subagents]) {
          expect(blocks.length).toBeLessThanOrEqual(STATE_LIMITS.blocks);
          for (const block of blocks)
            if ("content" in block) expect(block.content.length).toBeLessThanOrEqual(STATE_LIMITS.content);
        }
        const held = state.workspaceFiles.reduce((sum, file) => sum + (file.content?.length ?? 0), 0);
        expect(held).toBeLessThanOrEqual(STATE_LIMITS.files);
      }),
      { numRuns: 100 },
    );
  });
});

describe("reduce", () => {
  test("streams text into its block and marks it as streaming until complete", () => {
    const [first, ...rest] = numbered([
      { type: "session:block:start", data: { ...place, block: textBlock("b:1", "") } },
      { type: "session:block:delta", data: { ...place, blockId: "b:1", delta: "Hel" } },
      { type: "session:block:delta", data: { ...place, blockId: "b:1", delta: "lo" } },
      { type: "session:block:complete", data: { ...place, blockId: "b:1", block: textBlock("b:1", "Hello") } },
    ]);
    const begun = reduceAll(start(), [first!, rest[0]!, rest[1]!]);
    expect(begun.blocks).toEqual([textBlock("b:1", "Hello")]);
    expect(begun.streamingBlockIds).toEqual(["b:1"]);
    const done = reduce(begun, rest[2]!);
    expect(done.streamingBlockIds).toEqual([]);
    expect(done.blocks).toEqual([textBlock("b:1", "Hello")]);
  });

  test("keeps the newest 500 blocks and says where older ones are", () => {
    const drafts = Array.from({ length: 520 }, (_unused, index) => said(`b:${index}`, "x")).flat();
    const state = reduceAll(start(), numbered(drafts));
    expect(state.blocks).toHaveLength(500);
    expect(state.blocksBefore).toBe("b:20");
  });

  test("keeps at most 256 KB of blocks", () => {
    const drafts = Array.from({ length: 40 }, (_unused, index) => said(`b:${index}`, "x".repeat(16 * 1024))).flat();
    const state = reduceAll(start(), numbered(drafts));
    expect(state.blocks).toHaveLength(16);
    expect(state.blocksBefore).toBe("b:24");
  });

  test("open blocks count as nothing, so who was spared their deltas evicts the same", () => {
    const ids = Array.from({ length: 20 }, (_unused, index) => `b:${index}`);
    const starts: EventDraft[] = ids.map((id) => ({
      type: "session:block:start",
      data: { ...place, block: textBlock(id, "") },
    }));
    const deltas: EventDraft[] = ids.map((id) => ({
      type: "session:block:delta",
      data: { ...place, blockId: id, delta: "x".repeat(16 * 1024) },
    }));
    const streaming = numbered([...starts, ...deltas, ...said("b:last", "end")]);
    const spared = streaming.filter(({ type }) => type !== "session:block:delta");
    expect(reduceAll(start(), streaming).blocks).toHaveLength(21);
    expect(reduceAll(start(), spared).blocks.map(({ id }) => id)).toEqual(
      reduceAll(start(), streaming).blocks.map(({ id }) => id),
    );
  });

  test("cuts a long content, never through a character, and says so", () => {
    const state = reduceAll(start(), numbered(said("b:1", `x${"😀".repeat(10_000)}`)));
    const block = state.blocks[0];
    expect(block).toMatchObject({ truncated: true });
    expect(block?.type === "assistant_text" && block.content).toBe(`x${"😀".repeat(8191)}`);
  });

  test("a long tool input is cut in its strings", () => {
    const block = {
      type: "tool_use" as const,
      id: "b:1",
      timestamp: AT,
      toolName: "Write",
      toolUseId: "t",
      input: { path: "a", content: "y".repeat(100_000) },
      status: "running" as const,
    };
    const state = reduceAll(start(), numbered([{ type: "session:block:start", data: { ...place, block } }]));
    const kept = state.blocks[0];
    expect(kept).toMatchObject({ truncated: true, input: { path: "a" } });
    expect(JSON.stringify(kept).length).toBeLessThan(17_000);
  });

  test("a retracted block leaves the state", () => {
    const drafts: EventDraft[] = [
      { type: "session:block:start", data: { ...place, block: textBlock("b:1", "") } },
      {
        type: "session:block:complete",
        data: { ...place, blockId: "b:1", block: { ...textBlock("b:1", "half"), retracted: true } },
      },
    ];
    expect(reduceAll(start(), numbered(drafts))).toMatchObject({ blocks: [], streamingBlockIds: [] });
  });

  test("an event of an unknown type moves the cursor and changes nothing else", () => {
    const odd = { seq: 1, at: AT, type: "session:future", data: { sessionId: "s1" } } as unknown as SessionEvent;
    expect(reduce(start(), odd)).toEqual({ ...start(), lastSeq: 1 });
  });

  test("a block of an unknown type is kept as it is", () => {
    const block = { type: "hologram", id: "b:1", timestamp: AT, shape: "cube" } as never;
    const state = reduceAll(start(), numbered([{ type: "session:block:start", data: { ...place, block } }]));
    expect(state.blocks).toEqual([block]);
  });

  test("a message that interrupts stands first, behind those that did before; one that is taken joins the turn", () => {
    const sessionId = "s1";
    const queued = (messageId: string, mode?: "steer" | "interrupt"): EventDraft => ({
      type: "session:message:queued",
      data: { sessionId, messageId, content: messageId, ...(mode === undefined ? {} : { mode }) },
    });
    const state = reduceAll(
      start(),
      numbered([
        { type: "session:turn:started", data: { sessionId, turnId: "t1", messageIds: ["m0"] } },
        queued("m1"),
        queued("m2", "steer"),
        queued("m3", "interrupt"),
        queued("m4", "interrupt"),
        { type: "session:message:taken", data: { sessionId, messageId: "m2", turnId: "t1" } },
      ]),
    );
    expect(state.queue.map(({ messageId, mode }) => [messageId, mode])).toEqual([
      ["m3", "interrupt"],
      ["m4", "interrupt"],
      ["m1", undefined],
    ]);
    expect(state.turn?.messageIds).toEqual(["m0", "m2"]);
  });

  test("messages queue, are edited, withdrawn, and taken by a turn", () => {
    const sessionId = "s1";
    const state = reduceAll(
      start(),
      numbered([
        { type: "session:message:queued", data: { sessionId, messageId: "m1", content: "a" } },
        { type: "session:message:queued", data: { sessionId, messageId: "m2", content: "b", position: 1 } },
        { type: "session:message:queued", data: { sessionId, messageId: "m3", content: "c", position: 2 } },
        { type: "session:message:updated", data: { sessionId, messageId: "m2", content: "B" } },
        { type: "session:message:withdrawn", data: { sessionId, messageId: "m3" } },
        { type: "session:turn:started", data: { sessionId, turnId: "t1", messageIds: ["m1"] } },
      ]),
    );
    expect(state.queue).toEqual([{ messageId: "m2", content: "B", queuedAt: AT }]);
    expect(state.turn).toEqual({ turnId: "t1", messageIds: ["m1"], startedAt: AT });
    expect(state.lastActivity).toBe(AT);
  });
});
