import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RESULT_ATTEMPTS, type EntryBody } from "@hhopkins/agent-runtime-protocol";
import { script, type ScriptStep } from "@hhopkins/agent-runtime-testkit";
import type { TurnEnd } from "../architecture.ts";
import { drive, type DrivenHarness } from "./testing/driven-harness.ts";

const ANSWER = { type: "object", properties: { answer: { type: "number" } }, required: ["answer"] };
const NAME = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };

let driven: DrivenHarness;
beforeAll(async () => {
  driven = await drive();
}, 120_000);
afterAll(() => driven[Symbol.asyncDispose]());

let turns = 0;
async function turn(resultSchema: Record<string, unknown> | undefined, ...steps: ScriptStep[]): Promise<TurnEnd> {
  turns += 1;
  const messages = [{ messageId: `m${turns}`, content: `work ${script(steps)}` }];
  return driven.harness.runTurn({ turnId: `t${turns}`, messages, resultSchema });
}

const give = (input: Record<string, unknown>): ScriptStep => ({ tools: [{ name: "StructuredOutput", input }] });

/** Tools that the model was offered in its requests since `from`. */
function offers(from: number): boolean[] {
  return driven.model.requests
    .slice(from)
    .flatMap(({ toolNames }) => (toolNames === undefined ? [] : [toolNames.includes("StructuredOutput")]));
}

function errorsSince(from: number): (string | undefined)[] {
  return driven.bodies
    .slice(from)
    .flatMap((body: EntryBody) =>
      body.kind === "block:complete" && body.block.type === "error" ? [body.block.code] : [],
    );
}

describe("results by the real harness", () => {
  test("a turn gives what its schema asks for; the next has another schema, and the next none, in one conversation", async () => {
    const from = driven.model.requests.length;
    expect(await turn(undefined, { text: "hello" })).toMatchObject({ status: "completed" });
    const first = await turn(
      { ...ANSWER, $schema: "https://json-schema.org/draft/2020-12/schema" },
      give({ answer: 4 }),
    );
    expect(first).toMatchObject({ status: "completed", result: { answer: 4 } });
    expect(await turn(NAME, give({ name: "Ada" }))).toMatchObject({ status: "completed", result: { name: "Ada" } });
    const plain = await turn(undefined, { text: "done" });
    expect(plain).toMatchObject({ status: "completed" });
    expect(plain.result).toBeUndefined();
    expect(offers(from)).toEqual([false, true, true, false]);
    const last = JSON.stringify(driven.model.requests.at(-1)?.body);
    expect(last).toContain("hello");
    expect(last).toContain("Ada");
  });

  test("what does not fit is asked for again, and the agent is told what is wrong", async () => {
    const from = driven.model.requests.length;
    const end = await turn(ANSWER, give({ answer: "four" }), give({ answer: 4 }));
    expect(end).toMatchObject({ status: "completed", result: { answer: 4 } });
    expect(offers(from)).toEqual([true, true]);
    expect(JSON.stringify(driven.model.requests.at(-1)?.body)).toContain("/answer: must be number");
  });

  test("after the last attempt the turn fails, twice alike, and the conversation goes on", async () => {
    for (const wrong of ["one", "two"]) {
      const from = driven.model.requests.length;
      const said = driven.bodies.length;
      const end = await turn(ANSWER, ...Array.from({ length: RESULT_ATTEMPTS + 3 }, () => give({ answer: wrong })));
      expect(end).toMatchObject({ status: "failed", error: { code: "invalid_result" } });
      expect(end.error?.message).toContain("/answer: must be number");
      expect(end.result).toBeUndefined();
      expect(offers(from)).toHaveLength(RESULT_ATTEMPTS);
      expect(errorsSince(said)).toEqual(["invalid_result"]);
    }
    expect(await turn(ANSWER, give({ answer: 5 }))).toMatchObject({ status: "completed", result: { answer: 5 } });
  });

  test("an agent that gives no result is asked once more, and then the turn fails", async () => {
    const from = driven.model.requests.length;
    const end = await turn(ANSWER, { text: "no" }, { text: "still no" }, { text: "never" });
    expect(end).toMatchObject({ status: "failed", error: { code: "invalid_result" } });
    expect(end.error?.message).toContain("without a result");
    expect(offers(from)).toHaveLength(2);
    expect(await turn(undefined, { text: "usable" })).toMatchObject({ status: "completed" });
  });
});
