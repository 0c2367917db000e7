import {
  initialState,
  NO_USAGE,
  reduce,
  type EntryBody,
  type EventDraft,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { addEntry, newEntryWrite } from "./entry-translation.ts";

const sessionId = "s";
const at = new Date("2026-11-22T10:00:00.000Z");

/** What each entry was answered, and the state once they are in the log. */
function written(state: SessionState, ...entries: EntryBody[]): { answers: (string | null)[]; state: SessionState } {
  const write = newEntryWrite(sessionId, state, { at, askRules: {} });
  const answers = entries.map((entry) => addEntry(write, entry));
  const next = write.events.reduce(
    (before: SessionState, draft: EventDraft) =>
      reduce(before, { ...draft, seq: before.lastSeq + 1, at: at.toISOString() }),
    state,
  );
  return { answers, state: next };
}

const found = (subagentId: string, parentId = "main"): EntryBody => ({
  kind: "subagent:discovered",
  subagentId,
  name: "helper",
  parentId,
});
const over = (subagentId: string): EntryBody => ({ kind: "subagent:completed", subagentId, status: "completed" });
const used = (subagentId: string, inputTokens: number): EntryBody => ({
  kind: "subagent:usage",
  subagentId,
  usage: { ...NO_USAGE, inputTokens, totalTokens: inputTokens },
  costUSD: inputTokens / 1000,
});

test("a runner may only speak of subagents that it named, once each, under callers that there are", () => {
  const { answers, state } = written(
    initialState(sessionId, "log"),
    found("one"),
    found("one"),
    found("two", "one"),
    found("three", "nobody"),
    found("main"),
    over("nobody"),
    over("main"),
    used("nobody", 1),
    used("main", 1),
  );
  expect(answers).toEqual([
    null,
    "subagent one exists",
    null,
    "unknown conversation nobody",
    "subagent main exists",
    "unknown subagent nobody",
    "unknown subagent main",
    "unknown subagent nobody",
    "unknown subagent main",
  ]);
  expect(state.subagents.map(({ id, parentId }) => [id, parentId])).toEqual([
    ["one", "main"],
    ["two", "one"],
  ]);
});

test("usage is summed up, within a write and over writes", () => {
  const first = written(initialState(sessionId, "log"), found("one"), used("one", 1), found("two"), used("one", 2));
  const second = written(first.state, used("one", 4), used("two", 8), used("one", 16));
  expect(second.state.subagents.map(({ usage, costUSD }) => [usage?.totalTokens, costUSD])).toEqual([
    [23, 0.023],
    [8, 0.008],
  ]);
});

test("one that has ended may go on, and has one conversation all the same", () => {
  const first = written(initialState(sessionId, "log"), found("one"), over("one"), found("one"), found("one"));
  expect(first.answers).toEqual([null, null, null, "subagent one exists"]);
  expect(first.state.subagents).toMatchObject([{ id: "one", status: "running" }]);
  const second = written(first.state, found("one"), over("one"));
  expect(second.answers).toEqual(["subagent one exists", null]);
  expect(written(second.state, found("one")).state.subagents).toMatchObject([{ id: "one", status: "running" }]);
});
