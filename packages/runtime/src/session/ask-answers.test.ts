import type { Ask, AskAnswer } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { assertAnswerFits, isRepeated, resolvedError } from "./ask-answers.ts";

const ask: Ask = {
  askId: "a",
  conversationId: "main",
  kind: "permission",
  prompt: "?",
  openedAt: "2026-11-22T00:00:00.000Z",
};

function refusal(answer: AskAnswer, about: Partial<Ask> = {}): unknown {
  try {
    assertAnswerFits({ ...ask, ...about }, { askId: "a", answer, by: "kim" });
    return undefined;
  } catch (error) {
    return error;
  }
}

test.each<[string, AskAnswer, Partial<Ask>]>([
  ["once", { decision: "allow", scope: "once" }, {}],
  ["for the session", { decision: "allow", scope: "session" }, { rule: "Bash(ls)" }],
  ["with another input", { decision: "allow", input: { command: "ls" } }, {}],
  ["a question", { decision: "allow", answers: { Which: ["a", "b"] } }, { kind: "question" }],
  ["a plan", { decision: "allow" }, { kind: "plan" }],
  ["an elicitation", { decision: "allow", content: { name: "x" } }, { kind: "elicitation" }],
  ["no", { decision: "deny", reason: "no" }, { kind: "question" }],
  ["one of those who may", { decision: "deny" }, { answerableBy: ["lee", "kim"] }],
])("fits: %s", (_name, answer, about) => {
  expect(refusal(answer, about)).toBeUndefined();
});

test.each<[string, AskAnswer, Partial<Ask>]>([
  ["body.answers", { decision: "allow", answers: {} }, {}],
  ["body.content", { decision: "allow", content: {} }, { kind: "plan" }],
  ["body.scope", { decision: "allow", scope: "session" }, { kind: "elicitation" }],
  ["body.scope", { decision: "allow", scope: "session" }, {}],
  ["body.input", { decision: "allow", input: {}, answers: {} }, { kind: "question" }],
  ["body.answers", { decision: "allow" }, { kind: "question" }],
])("does not fit, and %s is named", (field, answer, about) => {
  expect(refusal(answer, about)).toMatchObject({ code: "invalid_request", field, issues: [{ field }] });
});

test("somebody else's to answer is forbidden", () => {
  expect(refusal({ decision: "deny" }, { answerableBy: ["lee"] })).toMatchObject({ code: "forbidden" });
});

test("an ask that is resolved says how, and the same answer of the same person counts as given", () => {
  const resolution = (by: string) => ({ sessionId: "s", askId: "a", answer: { decision: "deny" as const }, by });
  const given = { askId: "a", answer: { decision: "deny" as const }, by: "kim" };
  expect(isRepeated(resolution("kim"), given)).toBe(true);
  expect(isRepeated(resolution("lee"), given)).toBe(false);
  expect(isRepeated(resolution("kim"), { ...given, answer: { decision: "allow" } })).toBe(false);
  expect(["lee", "expiry", "agent"].map((by) => resolvedError(resolution(by)).message)).toEqual([
    "Ask a was answered by lee.",
    "Ask a has expired; nobody answered in time.",
    "Ask a was withdrawn: the agent does not wait for it any more.",
  ]);
});
