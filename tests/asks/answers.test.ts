import { expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";
import { logOf } from "../testing/session-log.ts";
import { ALLOW, askBench, results } from "./bench.ts";

const count = (line: string): { tools: ReturnType<typeof bash>[] } => ({
  tools: [bash(`echo ${line} >> counted.txt; echo did ${line}`)],
});

test("a permission is asked in state and log, answered once, by one who may, with what fits; then the tool runs once", async () => {
  await using bench = await askBench({ permissions: { ask: ["Bash"] }, asks: { answerableBy: ["kim", "lee"] } });
  const { server, sessionId } = bench;
  const [ask] = await bench.untilAsked("go", [count("one"), { text: "done" }]);
  const askId = ask?.askId ?? "";
  expect(ask).toMatchObject({
    conversationId: "main",
    kind: "permission",
    toolUseId: expect.any(String) as string,
    answerableBy: ["kim", "lee"],
    details: { toolName: "Bash", input: { command: expect.stringContaining("counted") as string } },
  });
  expect(ask?.expiresAt).toBeUndefined();

  const problem = async (response: Promise<Response>): Promise<unknown> => {
    const { status } = await response;
    const { error, field } = (await (await response).json()) as { error?: string; field?: string };
    return [status, error, field];
  };
  expect(await problem(bench.answer("nobody", ALLOW))).toEqual([404, "ask_not_found", undefined]);
  expect(await problem(bench.answer("a b", ALLOW))).toEqual([404, "ask_not_found", undefined]);
  expect(await problem(bench.answer(askId, { decision: "perhaps" }))).toEqual([
    400,
    "invalid_request",
    "body.decision",
  ]);
  expect(await problem(bench.answer(askId, { ...ALLOW, why: "" }))).toEqual([400, "invalid_request", "body.why"]);
  expect(await problem(bench.answer(askId, { ...ALLOW, answers: {} }))).toEqual([
    400,
    "invalid_request",
    "body.answers",
  ]);
  expect(await problem(bench.answer(askId, ALLOW, "mallory"))).toEqual([403, "forbidden", undefined]);
  // Nothing of all that was an answer.
  expect((await server.state(sessionId)).asks).toHaveLength(1);

  // Two people at once: one of them counts.
  const both = await Promise.all([bench.answer(askId, ALLOW, "kim"), bench.answer(askId, ALLOW, "lee")]);
  const winner = both[0]?.status === 200 ? "kim" : "lee";
  const [good, bad] = both[0]?.status === 200 ? both : both.toReversed();
  expect([good?.status, bad?.status]).toEqual([200, 409]);
  expect(await good?.json()).toEqual({ success: true, sessionId, askId, answer: ALLOW, by: winner });
  expect(await bad?.json()).toMatchObject({ error: "ask_resolved", detail: `Ask ${askId} was answered by ${winner}.` });

  const state = await bench.over();
  expect([state.asks, results(state), said(state)]).toEqual([[], ["did one"], ["done"]]);
  expect(state.workspaceFiles).toMatchObject([{ path: "counted.txt", content: "one\n" }]);
  // Long after: the same is answered as the first time, and anything else is not.
  expect((await bench.answer(askId, ALLOW, winner)).status).toBe(200);
  expect((await bench.answer(askId, { decision: "deny" }, winner)).status).toBe(409);
  const asked = (await logOf(server, sessionId)).filter(({ type }) => type.startsWith("session:ask:"));
  expect(asked.map(({ type, data }) => ({ type, data }))).toEqual([
    { type: "session:ask:opened", data: { sessionId, ask } },
    { type: "session:ask:resolved", data: { sessionId, askId, answer: ALLOW, by: winner } },
  ]);
});

test("deny with a reason, another input, and allow for the session, which a new sandbox knows too", async () => {
  await using bench = await askBench({ permissions: { ask: ["Bash"] } });
  const { server, sessionId } = bench;
  const first = await bench.untilAsked("go", [count("one"), count("two"), count("three"), { text: "done" }]);
  const next = async (before: string): Promise<string> =>
    (await server.until(sessionId, ({ asks }) => asks.some(({ askId }) => askId !== before))).asks[0]?.askId ?? "";
  const one = first[0]?.askId ?? "";
  await bench.answer(one, { decision: "deny", reason: "not on a Sunday" });
  const two = await next(one);
  await bench.answer(two, { decision: "allow", input: { command: "echo other > other.txt; echo did other" } });
  await bench.answer(await next(two), { decision: "allow", scope: "session" });
  const state = await bench.over();
  expect(results(state)).toEqual([expect.stringContaining("not on a Sunday"), "did other", "did three"]);
  expect(state.allowedTools).toEqual([first[0]?.rule]);
  expect((await server.request("POST", `/sessions/${sessionId}/unload`)).status).toBe(204);
  const later = await server.turn(sessionId, prompt("again", count("four"), { text: "unasked" }));
  expect([results(later).at(-1), said(later).at(-1), later.runtime.sandbox?.restartCount]).toEqual([
    "did four",
    "unasked",
    1,
  ]);
});
