import { expect, test } from "vitest";
import { answersOf, choose, chooseOther, NO_CHOICE, questionsOf } from "./questions.ts";

const options = [{ label: "Red", description: "warm" }, { label: "Blue" }];
const questions = questionsOf({
  questions: [
    { question: "Which?", header: "Colour", multiSelect: false, options },
    { question: "Which ones?", header: "Colours", multiSelect: true, options },
  ],
});
const [one, many] = questions;

test("questions are read from whatever an ask has", () => {
  expect(one).toEqual({
    question: "Which?",
    header: "Colour",
    isMultiple: false,
    options: [
      { label: "Red", description: "warm" },
      { label: "Blue", description: "" },
    ],
  });
  expect([questionsOf(undefined), questionsOf({ questions: "?" }), questionsOf({ questions: [null] })]).toEqual([
    [],
    [],
    [],
  ]);
  expect(questionsOf({ questions: [{ question: "Open?" }] })[0]?.options).toEqual([]);
});

test("of one the last choice stands, of many each by itself; one's own words in place of it, or beside them", () => {
  const first = choose(one!, NO_CHOICE, "Red");
  expect(choose(one!, first, "Blue")).toEqual({ chosen: ["Blue"], other: undefined });
  expect(chooseOther(one!, first, "Green")).toEqual({ chosen: [], other: "Green" });
  const both = choose(many!, choose(many!, NO_CHOICE, "Red"), "Blue");
  expect(choose(many!, both, "Red").chosen).toEqual(["Blue"]);
  const own = chooseOther(many!, both, "Green");
  expect(own).toEqual({ chosen: ["Red", "Blue"], other: "Green" });
  expect(chooseOther(many!, own, undefined)).toEqual(both);
});

test("answers are there once each question has one", () => {
  const red = choose(one!, NO_CHOICE, "Red");
  expect(answersOf(questions, [red])).toBeUndefined();
  expect(answersOf(questions, [red, chooseOther(many!, NO_CHOICE, "  ")])).toBeUndefined();
  expect(answersOf(questions, [red, chooseOther(many!, choose(many!, NO_CHOICE, "Blue"), " Green ")])).toEqual({
    "Which?": "Red",
    "Which ones?": ["Blue", "Green"],
  });
});
