import { expect, test } from "vitest";
import { ALLOW, askBench, results } from "../asks/bench.ts";
import { PICTURES } from "../testing/pictures.ts";
import { bash, prompt } from "../testing/prompts.ts";

const resultSchema = { type: "object", properties: { answer: { type: "number" } }, required: ["answer"] };
const give = { tools: [{ name: "StructuredOutput", input: { answer: 4 } }] };

test("a turn that waits for people without a sandbox still gives its result, and has seen what its message came with", async () => {
  await using bench = await askBench({ permissions: { ask: ["Bash"] } });
  const { server, sessionId } = bench;
  const attachments = [{ name: "dot.png", mediaType: "image/png", data: PICTURES.png }];
  const content = prompt("go", { tools: [bash("echo did it")] }, give);
  const sent = await server.send(sessionId, content, { resultSchema, attachments });
  expect([sent.status, await sent.text()]).toMatchObject([202, expect.stringContaining(sessionId) as string]);
  const [ask] = (await server.until(sessionId, ({ asks }) => asks.length === 1)).asks;
  expect((await server.request("POST", `/sessions/${sessionId}/unload`)).status).toBe(204);
  expect((await server.state(sessionId)).turn).toMatchObject({ deferred: true, resultSchema });
  expect((await bench.answer(ask?.askId ?? "", ALLOW)).status).toBe(200);
  const state = await bench.over();
  expect(results(state)[0]).toBe("did it");
  expect(state.lastTurn).toMatchObject({ status: "completed", result: { answer: 4 } });
  expect(JSON.stringify(server.model.requests.at(-1)?.body)).toContain(PICTURES.png);
});

test("a result needs nobody's permission, whatever the agent may do", async () => {
  await using bench = await askBench({ tools: ["Bash(echo *)"], permissions: { ask: ["Bash"] } });
  for (const permissionMode of ["dontAsk", "default", "plan", "acceptEdits"]) {
    const { server, sessionId } = bench;
    const changed = await server.request("PATCH", `/sessions/${sessionId}/options`, { permissionMode });
    expect([permissionMode, changed.status]).toEqual([permissionMode, 204]);
    await server.send(sessionId, prompt(permissionMode, give), { resultSchema });
    const { lastTurn, asks } = await server.until(
      sessionId,
      ({ turn, queue, asks: open }) => open.length > 0 || (turn === null && queue.length === 0),
    );
    expect([permissionMode, asks, lastTurn]).toMatchObject([
      permissionMode,
      [],
      { status: "completed", result: { answer: 4 } },
    ]);
  }
});
