import {
  initialState,
  reduce,
  type EntryBody,
  type EventDraft,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { addEntry, newEntryWrite } from "./entry-translation.ts";

const sessionId = "s";
const at = new Date("2026-11-22T10:00:00.000Z");

function after(...drafts: EventDraft[]): SessionState {
  return drafts.reduce(
    (state, draft) => reduce(state, { ...draft, seq: state.lastSeq + 1, at: at.toISOString() }),
    initialState(sessionId, "log"),
  );
}

const running = after({ type: "session:turn:started", data: { sessionId, turnId: "t", messageIds: ["m"] } });

function opened(askId: string, more: object = {}): EntryBody {
  return {
    kind: "ask:opened",
    ask: { askId, conversationId: "main", kind: "permission", prompt: "May it?", ...more },
  };
}

const ended: EntryBody = {
  kind: "turn:ended",
  turnId: "t",
  status: "completed",
  usage: {
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    thinkingTokens: 0,
    totalTokens: 0,
  },
  costUSD: 0,
};

test("when an ask expires, what counts then and who answers is the profile's word, whatever the runner says", () => {
  const askRules = { expiresAfterMs: 60_000, onExpiry: "allow" as const, answerableBy: ["lee"] };
  const write = newEntryWrite(sessionId, running, { at, askRules });
  const forged = { expiresAt: "2000-01-01T00:00:00Z", answerableBy: ["agent"], default: { decision: "allow" } };
  expect(addEntry(write, opened("a", { ...forged, conversationId: "nobody" }))).toBeNull();
  expect(addEntry(write, opened("q", { kind: "question" }))).toBeNull();
  const times = { openedAt: "2026-11-22T10:00:00.000Z", expiresAt: "2026-11-22T10:01:00.000Z" };
  expect(write.events).toMatchObject([
    { data: { ask: { askId: "a", conversationId: "main", ...times, default: { decision: "allow" } } } },
    // Nobody can make up what a question is answered with.
    { data: { ask: { askId: "q", ...times, default: { decision: "deny" }, answerableBy: ["lee"] } } },
  ]);
});

test("without rules an ask waits for ever, for whoever may write", () => {
  const write = newEntryWrite(sessionId, running, { at, askRules: {} });
  addEntry(write, opened("a"));
  expect(write.events).toEqual([
    {
      type: "session:ask:opened",
      data: {
        sessionId,
        ask: {
          askId: "a",
          conversationId: "main",
          kind: "permission",
          prompt: "May it?",
          openedAt: "2026-11-22T10:00:00.000Z",
        },
      },
    },
  ]);
});

test("a turn's end withdraws what still waits, also what was opened just before", () => {
  const waiting = after(
    { type: "session:turn:started", data: { sessionId, turnId: "t", messageIds: ["m"] } },
    {
      type: "session:ask:opened",
      data: { sessionId, ask: { askId: "a", conversationId: "main", kind: "plan", prompt: "", openedAt: "" } },
    },
  );
  const write = newEntryWrite(sessionId, waiting, { at, askRules: {} });
  for (const body of [opened("b"), opened("c"), { kind: "ask:withdrawn", askId: "b" } as const, ended])
    expect(addEntry(write, body)).toBeNull();
  const resolved = write.events.flatMap((event) => (event.type === "session:ask:resolved" ? [event.data] : []));
  expect(resolved).toEqual(["b", "a", "c"].map((askId) => ({ sessionId, askId, answer: null, by: "agent" })));
  expect(write.events.at(-1)?.type).toBe("session:turn:completed");
});

test("asks outside of a turn and above the bound are refused, and the runner is not to wait for them", () => {
  const idle = newEntryWrite(sessionId, after(), { at, askRules: {} });
  expect(addEntry(idle, opened("a"))).toBe("ask a belongs to no turn");
  expect(idle).toMatchObject({ events: [], refusedAsks: ["a"] });
  const write = newEntryWrite(sessionId, running, { at, askRules: {} });
  for (let n = 0; n < 100; n += 1) expect(addEntry(write, opened(`a${n}`))).toBeNull();
  // One that is open already is none more.
  expect(addEntry(write, opened("a7"))).toBeNull();
  expect(addEntry(write, opened("b"))).toBe("ask b is one above 100");
  expect(write.refusedAsks).toEqual(["b"]);
  expect(write.events).toHaveLength(100);
});

test("a turn is deferred while it runs, and withdrawing what is not open says nothing", () => {
  const write = newEntryWrite(sessionId, running, { at, askRules: {} });
  expect(addEntry(write, { kind: "ask:withdrawn", askId: "a" })).toBe("ask a is not open");
  expect(addEntry(write, { kind: "turn:deferred", turnId: "other" })).toBe("turn other does not run");
  expect(addEntry(write, { kind: "turn:deferred", turnId: "t" })).toBeNull();
  expect(write.events).toEqual([{ type: "session:turn:deferred", data: { sessionId, turnId: "t" } }]);
  expect(write.turnDeferred).toBe(true);
});
