import { script, type ScriptStep } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bash } from "../testing/prompts.ts";
import { errors, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf } from "../testing/session-log.ts";

const INVOICE = {
  type: "object",
  properties: {
    total: { type: "number" },
    lines: { type: "array", items: { type: "object", properties: { price: { type: "number" } }, required: ["price"] } },
  },
  required: ["total", "lines"],
  additionalProperties: false,
};
const RESULT = { total: 3, lines: [{ price: 1 }, { price: 2 }] };

let bench: RuntimeUnderTest;
beforeAll(async () => {
  bench = await startRuntime();
});
afterAll(() => bench[Symbol.asyncDispose]());

const give = (input: Record<string, unknown>): ScriptStep => ({ tools: [{ name: "StructuredOutput", input }] });
const text = (...steps: ScriptStep[]): string => `work ${script(steps)}`;
const idle = (id: string) => bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);

async function ends(id: string) {
  return (await logOf(bench, id)).flatMap((event) =>
    event.type === "session:turn:completed" ? [{ status: event.data.status, result: event.data.result }] : [],
  );
}

describe("structured results", () => {
  test("the turn's end and the state carry the object; what does not fit ends as invalid_result, and the session goes on", async () => {
    const id = await bench.create();
    const sent = await bench.send(id, text({ tools: [bash("echo read > invoice.txt")] }, give(RESULT)), {
      resultSchema: INVOICE,
      messageId: "one",
    });
    expect(sent.status).toBe(202);
    const done = await idle(id);
    expect(done.lastTurn).toMatchObject({ status: "completed", result: RESULT });
    expect(done.workspaceFiles.map(({ path }) => path)).toEqual(["invoice.txt"]);

    const from = bench.model.requests.length;
    const wrong = give({ total: 3, lines: [{ price: 1 }, { price: "two" }] });
    await bench.send(id, text(wrong, wrong, wrong, wrong, wrong, wrong, wrong), { resultSchema: INVOICE });
    const failed = await idle(id);
    expect(failed.lastTurn).toMatchObject({ status: "failed", error: { code: "invalid_result" } });
    expect(failed.lastTurn?.error?.message).toContain("/lines/1/price: must be number");
    expect(failed.lastTurn?.result).toBeUndefined();
    expect(errors(failed)).toEqual(["invalid_result"]);
    expect(bench.model.requests.slice(from).filter(({ body }) => body !== undefined)).toHaveLength(5);

    await bench.send(id, text({ text: "as before" }));
    const last = await idle(id);
    expect(said(last).at(-1)).toBe("as before");
    expect(last.lastTurn).toMatchObject({ status: "completed" });
    expect(last.lastTurn?.result).toBeUndefined();
    expect(await ends(id)).toEqual([
      { status: "completed", result: RESULT },
      { status: "failed", result: undefined },
      { status: "completed", result: undefined },
    ]);
  });

  test("the schema is part of the message: it waits in the queue, and the same again is the same message", async () => {
    const id = await bench.create();
    await bench.send(id, text({ tools: [bash("sleep 2")] }, { text: "first" }));
    const message = { resultSchema: INVOICE, messageId: "asks" };
    const content = text(give(RESULT));
    expect((await bench.send(id, content, message)).status).toBe(202);
    expect((await bench.state(id)).queue).toMatchObject([{ messageId: "asks", resultSchema: INVOICE }]);
    expect((await bench.send(id, content, message)).status).toBe(202);
    const other = await bench.send(id, content, { ...message, resultSchema: { type: "object" } });
    expect([other.status, await other.json()]).toEqual([409, expect.objectContaining({ error: "conflict" })]);
    const none = await bench.send(id, content, { messageId: "asks" });
    expect(none.status).toBe(409);
    expect((await idle(id)).lastTurn).toMatchObject({ status: "completed", result: RESULT });
  });

  test("what is no schema is refused, and the field is named", async () => {
    const id = await bench.create();
    const refusals = [
      [{ type: "array" }, "body.resultSchema", 'must have "type": "object"'],
      [{ type: "object", properties: { a: { type: "nmber" } } }, "body.resultSchema.properties.a.type", "equal"],
      [{ type: "object", properties: { a: { prefixItems: [] } } }, "body.resultSchema", "prefixItems"],
      [{ type: "object", description: "x".repeat(40_000) }, "body.resultSchema", "32768"],
      ["text", "body.resultSchema", "expected"],
    ] as const;
    for (const [resultSchema, field, words] of refusals) {
      const response = await bench.send(id, "hello", { resultSchema });
      const problem = (await response.json()) as { field: string; detail: string };
      expect([response.status, problem.field]).toEqual([400, field]);
      expect(problem.detail).toContain(words);
    }
    const steer = await bench.send(id, "hello", { resultSchema: INVOICE, mode: "steer" });
    expect([steer.status, await steer.json()]).toEqual([
      400,
      expect.objectContaining({ field: "body.resultSchema", detail: expect.stringContaining("Leave out `mode`") }),
    ]);
    expect((await bench.state(id)).queue).toEqual([]);
  });
});
