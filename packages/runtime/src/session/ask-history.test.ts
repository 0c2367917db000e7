import type { EventDraft } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { asksOfTurn, resolutionOf, type AskedLog } from "./ask-history.ts";

const sessionId = "s";
const allow = { decision: "allow" } as const;
const key = { tenant: "default", sessionId };

const started = (turnId: string): EventDraft => ({
  type: "session:turn:started",
  data: { sessionId, turnId, messageIds: [] },
});
const deferred = (turnId: string): EventDraft => ({ type: "session:turn:deferred", data: { sessionId, turnId } });
const opened = (askId: string): EventDraft => ({
  type: "session:ask:opened",
  data: {
    sessionId,
    ask: {
      askId,
      conversationId: "main",
      kind: "permission",
      prompt: askId,
      details: { toolName: "Bash", input: {} },
      openedAt: "2026-11-22T00:00:00.000Z",
    },
  },
});
const resolved = (askId: string, by: string): EventDraft => ({
  type: "session:ask:resolved",
  data: { sessionId, askId, answer: by === "agent" ? null : allow, by },
});
/** What nobody looks for. */
const noise = (count: number): EventDraft[] =>
  Array.from({ length: count }, () => ({
    type: "session:block:delta",
    data: { sessionId, conversationId: "main", blockId: "b:1", delta: "x" },
  }));

function logOf(drafts: readonly EventDraft[]): AskedLog {
  const events = drafts.map((draft, index) => ({ ...draft, seq: index + 1, at: "2026-11-22T00:00:00.000Z" }));
  const store = {
    events: async (_key: unknown, { after, limit }: { after: number; limit: number }) =>
      events.filter(({ seq }) => seq > after).slice(0, limit),
  };
  return { store, key, lastSeq: events.length };
}

test("how an ask was resolved is found however far back it is, and one that never was is not", async () => {
  const log = logOf([opened("a"), resolved("a", "kim"), ...noise(2500), opened("b")]);
  expect(await resolutionOf(log, "a")).toMatchObject({ answer: allow, by: "kim" });
  expect(await resolutionOf(log, "b")).toBeNull();
  expect(await resolutionOf(log, "c")).toBeNull();
});

test("answers of a turn are those since it began; what was withdrawn has none", async () => {
  const events = [started("t1"), opened("old"), resolved("old", "kim"), started("t2"), opened("a"), ...noise(1500)];
  const log = logOf([...events, resolved("a", "kim"), opened("b"), resolved("b", "agent"), opened("c")]);
  expect(await asksOfTurn(log, "t2")).toEqual({ answered: [{ askId: "a", answer: allow }], deferred: [] });
});

test("a turn goes on with the ask that it was deferred for, also where its answer crossed with the word of it", async () => {
  const ask = { askId: "b", conversationId: "main", kind: "permission", prompt: "b" };
  const before = [started("t"), opened("a"), resolved("a", "kim"), opened("b")];
  expect((await asksOfTurn(logOf([...before, deferred("t")]), "t")).deferred).toEqual([
    { ask: { ...ask, openedAt: expect.any(String) as string } },
  ]);
  const answered = [{ ask: { ...ask, openedAt: expect.any(String) as string }, answer: allow }];
  const usual = logOf([...before, deferred("t"), resolved("b", "expiry")]);
  expect((await asksOfTurn(usual, "t")).deferred).toEqual(answered);
  const crossed = logOf([...before, resolved("b", "kim"), deferred("t")]);
  expect((await asksOfTurn(crossed, "t")).deferred).toEqual(answered);
});
