import type { SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { LogFrame } from "./frame.ts";
import { mergedFrames } from "./merging.ts";

const AT = "2026-01-01T00:00:01.000Z";

function delta(
  seq: number,
  text: string,
  { blockId = "b:1", from }: { blockId?: string; from?: number } = {},
): LogFrame {
  const data = { sessionId: "s1", conversationId: "main", blockId, delta: text };
  return new LogFrame({ seq, at: AT, type: "session:block:delta", data }, { from });
}

function other(seq: number): LogFrame {
  const event: SessionEvent = {
    seq,
    at: AT,
    type: "session:message:withdrawn",
    data: { sessionId: "s1", messageId: "m" },
  };
  return new LogFrame(event);
}

/** What a frame stands for and says. */
function shape(frames: readonly LogFrame[]): (number | string)[][] {
  return frames.map(({ first, event }) => [
    first,
    event.seq,
    event.type === "session:block:delta" ? event.data.delta : "",
  ]);
}

test("deltas of one block that follow each other become one frame, which says what it stands for", () => {
  const frames = mergedFrames([delta(4, "a", { from: 2 }), delta(5, "b"), delta(6, "\ud83d"), delta(7, "\ude00")]);
  expect(shape(frames)).toEqual([[2, 7, "ab😀"]]);
  expect(JSON.parse(frames[0]?.webSocket ?? "")).toEqual({
    event: "session:block:delta",
    data: { sessionId: "s1", conversationId: "main", blockId: "b:1", delta: "ab😀" },
    seq: 7,
    from: 2,
    at: AT,
  });
});

test("another block, another event, and a gap end a run", () => {
  const lone = other(4);
  const frames = mergedFrames([
    delta(1, "a"),
    delta(2, "b"),
    delta(3, "c", { blockId: "b:2" }),
    lone,
    delta(5, "d"),
    delta(7, "e"),
  ]);
  expect(shape(frames)).toEqual([
    [1, 2, "ab"],
    [3, 3, "c"],
    [4, 4, ""],
    [5, 5, "d"],
    [7, 7, "e"],
  ]);
  expect(frames[2]).toBe(lone);
  expect(mergedFrames([])).toEqual([]);
});

test("a frame carries 64 KB of several deltas at most, and a larger one alone", () => {
  const half = "x".repeat(32 * 1024);
  const frames = mergedFrames([delta(1, half), delta(2, half), delta(3, "y"), delta(4, half.repeat(4)), delta(5, "z")]);
  expect(frames.map(({ first, event }) => [first, event.seq])).toEqual([
    [1, 2],
    [3, 3],
    [4, 4],
    [5, 5],
  ]);
});

test("clients that wait for the same frames are sent one and the same", () => {
  const waiting = [delta(1, "a"), delta(2, "b"), delta(3, "c")];
  expect(mergedFrames(waiting)[0]).toBe(mergedFrames(waiting)[0]);
  expect(shape(mergedFrames(waiting.slice(1)))).toEqual([[2, 3, "bc"]]);
});
