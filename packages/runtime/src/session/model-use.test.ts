import { initialState, type EventDraft } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { countedWrite, ModelUses } from "./model-use.ts";

const key = { tenant: "default", sessionId: "s1" };
const usage = (tokens: number) => ({
  inputTokens: tokens,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  thinkingTokens: 0,
  totalTokens: tokens,
});
const state = initialState("s1", "log");
const metadata = (tokens: number): EventDraft => ({
  type: "session:metadata:update",
  data: { sessionId: "s1", metadata: { usage: usage(tokens), costUSD: 1 } },
});
const ended: EventDraft = {
  type: "session:turn:completed",
  data: { sessionId: "s1", turnId: "t", messageIds: [], status: "failed", usage: usage(0), costUSD: 0 },
};
const other: EventDraft = { type: "error", data: { sessionId: "s1", code: "c", message: "m" } };

function uses(...tokens: number[]): ModelUses {
  const all = new ModelUses();
  for (const one of tokens) all.add(key, { requests: 1, usage: usage(one) });
  return all;
}

test("what the gateway counted stands in the last news of what was used, beside the harness's own figures", () => {
  const { counted } = countedWrite({ events: [metadata(1), other, metadata(2), ended] }, state, uses(10, 20).of(key));
  expect(counted.events).toEqual([
    metadata(1),
    other,
    {
      type: "session:metadata:update",
      data: { sessionId: "s1", metadata: { usage: usage(2), costUSD: 1, gateway: { requests: 2, usage: usage(30) } } },
    },
    ended,
  ]);
});

test("a turn whose harness told nothing has it before its end, on top of what the log has", () => {
  const before = { ...state, sessionMetadata: { ...state.sessionMetadata, gateway: { requests: 3, usage: usage(5) } } };
  const { counted } = countedWrite({ events: [other, ended] }, before, uses(10).of(key));
  expect(counted.events).toMatchObject([
    other,
    { data: { metadata: { gateway: { requests: 4, usage: usage(15) } } } },
    ended,
  ]);
  const last = countedWrite({ events: [other], snapshot: true }, state, uses(10).of(key));
  expect(last.counted.events).toHaveLength(2);
});

test("it is told once; what could not be written is told the next time; other writes are left as they are", () => {
  const all = uses(10);
  const write = { events: [other] };
  expect(countedWrite(write, state, all.of(key))).toEqual({ counted: write, taken: null });
  const first = countedWrite({ events: [ended] }, state, all.of(key));
  expect(countedWrite({ events: [ended] }, state, all.of(key)).taken).toBeNull();
  first.taken?.undo();
  all.add(key, { requests: 1, usage: usage(1) });
  expect(countedWrite({ events: [ended] }, state, all.of(key)).taken?.count).toEqual({ requests: 2, usage: usage(11) });
});
