import { NO_USAGE, type SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { stepPath, usageSeries } from "./usage-series.ts";

const sessionId = "s";
const at = (second: number): string => `2026-01-01T00:00:0${second}.000Z`;
const usage = (totalTokens: number) => ({ ...NO_USAGE, inputTokens: totalTokens, totalTokens });

const log: SessionEvent[] = [
  { seq: 1, at: at(0), type: "session:turn:started", data: { sessionId, turnId: "a", messageIds: [] } },
  {
    seq: 2,
    at: at(1),
    type: "session:metadata:update",
    data: { sessionId, metadata: { usage: usage(10), costUSD: 0.1 } },
  },
  {
    seq: 3,
    at: at(2),
    type: "session:turn:completed",
    data: { sessionId, turnId: "a", messageIds: [], status: "completed", usage: usage(10), costUSD: 0.1 },
  },
  {
    seq: 4,
    at: at(5),
    type: "session:metadata:update",
    data: { sessionId, metadata: { usage: usage(40), costUSD: 0.4 } },
  },
  {
    seq: 5,
    at: at(6),
    type: "session:turn:completed",
    data: { sessionId, turnId: "b", messageIds: [], status: "failed", usage: usage(30), costUSD: 0.3 },
  },
];

test("a log's usage over time and by turn, up to a place", () => {
  expect(usageSeries(log)).toEqual({
    points: [
      { time: Date.parse(at(0)), tokens: 0, costUSD: 0 },
      { time: Date.parse(at(1)), tokens: 10, costUSD: 0.1 },
      { time: Date.parse(at(5)), tokens: 40, costUSD: 0.4 },
    ],
    turns: [
      {
        turnId: "a",
        seq: 3,
        endedAt: at(2),
        durationMs: 2000,
        status: "completed",
        usage: usage(10),
        costUSD: 0.1,
      },
      {
        turnId: "b",
        seq: 5,
        endedAt: at(6),
        durationMs: undefined,
        status: "failed",
        usage: usage(30),
        costUSD: 0.3,
      },
    ],
  });
  expect(usageSeries(log, 3).points).toHaveLength(2);
  expect(usageSeries(log, 2).turns).toEqual([]);
});

test("a line steps up where something was used; nothing, one point and no cost are drawn too", () => {
  const box = { width: 100, height: 50 };
  expect(stepPath([], box)).toBeUndefined();
  expect(stepPath([{ time: 5, value: 3 }], box)).toBe("M0,0.0H100");
  expect(stepPath([{ time: 0, value: 0 }], box)).toBe("M0,50.0H100");
  const path = stepPath(
    [
      { time: 0, value: 1 },
      { time: 50, value: 2 },
      { time: 100, value: 4 },
    ],
    box,
  );
  expect(path).toBe("M0,37.5H50.0V25.0H100.0V0.0H100");
});
