import { expect, test } from "vitest";
import { type ConversationMessage, countTurns, findScript } from "./script-search.ts";
import { script } from "./step.ts";

const user = (...texts: string[]): ConversationMessage => ({ role: "user", texts });
const assistant = (...texts: string[]): ConversationMessage => ({ role: "assistant", texts });

function found(messages: readonly ConversationMessage[]): {
  texts: (string | undefined)[];
  before: number;
  after: number;
} {
  const search = findScript(messages);
  if (search.kind !== "found") throw new Error(JSON.stringify(search));
  const { steps, turnsBefore, turnsAfter } = search.script;
  return { texts: steps.map((step) => step.text), before: turnsBefore, after: turnsAfter };
}

const a = script([{ text: "a" }]);
const b = script([{ text: "b" }, { text: "c" }]);

test("no script", () => {
  expect(findScript([user("hello"), assistant("hi")])).toEqual({ kind: "none" });
  expect(findScript([user("<<< [1] >>> and << []")])).toEqual({ kind: "none" });
});

test("a script of the assistant counts for nothing", () => {
  expect(findScript([user("hello"), assistant(a)])).toEqual({ kind: "none" });
});

test("the last script of the last message that has one", () => {
  expect(found([user(`one ${a} two ${b} three`)])).toEqual({ texts: ["b", "c"], before: 0, after: 0 });
  expect(found([user(a, b)]).texts).toEqual(["b", "c"]);
  expect(found([user(b, "later text")]).texts).toEqual(["b", "c"]);
  expect(found([user(b), assistant("b"), user(a)])).toEqual({ texts: ["a"], before: 1, after: 0 });
  expect(found([user(b), assistant("b"), user("go on")])).toEqual({ texts: ["b", "c"], before: 0, after: 1 });
});

test("neighbouring messages of the assistant are one turn", () => {
  expect(countTurns([assistant(), assistant(), user(), assistant()])).toBe(2);
  expect(found([user(b), assistant("b"), assistant("b, more")]).after).toBe(1);
});

test("a script inside a tool's input belongs to the outer one", () => {
  const inner = script([{ text: 'with ]>>> and "quotes" \\ inside' }]);
  const outer = script([{ tools: [{ name: "Agent", input: { prompt: inner } }] }, { text: "end" }]);
  const search = findScript([user(`x ${outer} y`)]);
  expect(search).toMatchObject({
    kind: "found",
    script: { steps: [{ tools: [{ input: { prompt: inner } }] }, { text: "end" }] },
  });
  expect(found([user(inner)]).texts).toEqual(['with ]>>> and "quotes" \\ inside']);
});

test.each([
  ["not JSON", "<<<[{text: 1}]>>>", /not JSON/],
  ["not closed", '<<<[{"text":"a"}', /not JSON/],
  ["closed too early", '<<<[{"text":"a"}] >>> x', /not JSON/],
  ["an unknown key", '<<<[{"text":"a"},{"txt":"b"}]>>>', /step 1: Unrecognized key: "txt"/],
  ["an unknown key inside", '<<<[{"error":{"status":400,"code":1}}]>>>', /step 0\.error: Unrecognized key: "code"/],
  ["a wrong type", '<<<[{"chunk":0}]>>>', /step 0\.chunk/],
  ["no steps", "<<<[]>>>", /script: Too small/],
  ["not an object", "<<<[1]>>>", /step 0/],
])("a broken script is said: %s", (_name, text, message) => {
  const search = findScript([user(a), assistant("a"), user(text)]);
  expect(search).toMatchObject({ kind: "broken", message: expect.stringMatching(message) });
});

test("a long text with many openings is read in reasonable time", () => {
  const text = "<<<[".repeat(20_000);
  expect(findScript([user(text)]).kind).toBe("broken");
});
