import { initialState, NO_USAGE, reduce, type EventDraft, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { addEntry, newEntryWrite } from "../session/entry-translation.ts";

const sessionId = "s";
const at = new Date("2026-11-22T10:00:00.000Z");
const resultSchema = { type: "object", properties: { answer: { type: "number" } }, required: ["answer"] };

function running(more: object): SessionState {
  const started: EventDraft = {
    type: "session:turn:started",
    data: { sessionId, turnId: "t", messageIds: ["m"], ...more },
  };
  return reduce(initialState(sessionId, "log"), { ...started, seq: 1, at: at.toISOString() });
}

/** What the log says when a runner ends the turn like that. */
function ended(state: SessionState, end: object) {
  const write = newEntryWrite(sessionId, state, { at, askRules: {} });
  const said = { status: "completed" as const, usage: NO_USAGE, costUSD: 0, ...end };
  expect(addEntry(write, { kind: "turn:ended", turnId: "t", ...said })).toBeNull();
  const event = write.events.at(-1);
  if (event?.type !== "session:turn:completed") throw new Error("the turn has not ended");
  const { status, error, result } = event.data;
  return { status, error: error?.code, message: error?.message ?? "", result };
}

test("a runner's result is held against the schema that the client sent, whatever the runner made of it", () => {
  const asked = running({ resultSchema });
  expect(ended(asked, { result: { answer: 4 } })).toMatchObject({ status: "completed", result: { answer: 4 } });
  const wrong = ended(asked, { result: { answer: "four" } });
  expect(wrong).toMatchObject({ status: "failed", error: "invalid_result", result: undefined });
  expect(wrong.message).toContain("/answer: must be number");
  expect(ended(asked, {})).toMatchObject({ status: "failed", error: "invalid_result" });
});

test("without a schema, or of a turn that did not complete, a result is not taken", () => {
  expect(ended(running({}), { result: { answer: 4 } })).toMatchObject({ status: "completed", result: undefined });
  const error = { code: "turn_limit", message: "over" };
  const failed = ended(running({ resultSchema }), { status: "failed", error, result: { answer: 4 } });
  expect(failed).toMatchObject({ status: "failed", error: "turn_limit", result: undefined });
  const stopped = ended(running({ resultSchema }), { status: "interrupted", result: { answer: 4 } });
  expect(stopped).toMatchObject({ status: "interrupted", error: undefined, result: undefined });
});
