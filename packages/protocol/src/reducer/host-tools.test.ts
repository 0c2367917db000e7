import { expect, test } from "vitest";
import type { ConversationBlock } from "../blocks.ts";
import type { EventDraft } from "../events.ts";
import { NO_USAGE } from "../usage.ts";
import { reduceAll } from "./reduce.ts";
import { initialState, type SessionState } from "./state.ts";

const at = "2026-01-02T03:04:05.678Z";
const sessionId = "s1";

function stateAfter(...drafts: EventDraft[]): SessionState {
  const events = drafts.map((draft, index) => ({ seq: index + 1, at, ...draft }));
  return reduceAll(initialState(sessionId, "log"), events);
}

const called = (callId: string, toolUseId: string): EventDraft => ({
  type: "session:host-tool:called",
  data: { sessionId, call: { callId, toolName: "lookup", conversationId: "main", toolUseId, input: { id: 1 } } },
});
const completed = (callId: string, status: "success" | "cancelled"): EventDraft => ({
  type: "session:host-tool:completed",
  data: { sessionId, callId, status, content: "found" },
});
const block: ConversationBlock = { type: "tool_result", id: "r:1", timestamp: at, toolUseId: "t1", content: "found" };
const place = { sessionId, conversationId: "main" };
const result: EventDraft[] = [
  { type: "session:block:start", data: { ...place, block } },
  { type: "session:block:complete", data: { ...place, blockId: "r:1", block } },
];
const end: EventDraft = {
  type: "session:turn:completed",
  data: { sessionId, turnId: "t", messageIds: [], status: "completed", usage: NO_USAGE, costUSD: 0 },
};

test("a call is in the state until the agent has its result, without its input", () => {
  const waiting = {
    callId: "a",
    toolName: "lookup",
    conversationId: "main",
    toolUseId: "t1",
    calledAt: at,
    calledSeq: 1,
  };
  expect(stateAfter(called("a", "t1")).hostToolCalls).toEqual([waiting]);
  const done = stateAfter(called("a", "t1"), completed("a", "success"));
  expect(done.hostToolCalls).toEqual([{ ...waiting, completedSeq: 2 }]);
  expect(Object.hasOwn(stateAfter(called("a", "t1"), completed("a", "success"), ...result), "hostToolCalls")).toBe(
    false,
  );
  const other = stateAfter(called("a", "t1"), called("b", "t2"), completed("a", "success"), ...result);
  expect(other.hostToolCalls).toMatchObject([{ callId: "b" }]);
});

test("one that was cancelled, and all at the end of a turn, are gone", () => {
  const cancelled = stateAfter(called("a", "t1"), called("b", "t2"), completed("a", "cancelled"));
  expect(cancelled.hostToolCalls).toMatchObject([{ callId: "b" }]);
  expect(stateAfter(called("a", "t1"), called("b", "t2"), end).hostToolCalls).toBeUndefined();
  expect(stateAfter(completed("nobody's", "success")).hostToolCalls).toBeUndefined();
});
