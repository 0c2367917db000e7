import { afterEach, beforeEach, expect, test } from "vitest";
import { isAlive, sandboxPid } from "../testing/processes.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";
import { ALLOW, askBench, results, type AskBench } from "./bench.ts";

const DO = { tools: [bash("echo did it")] };
const SHORT_MS = 300;

let bench: AskBench;
beforeEach(async () => {
  bench = await askBench({ permissions: { ask: ["Bash"] } }, { idleTimeoutMs: SHORT_MS });
});
afterEach(() => bench[Symbol.asyncDispose]());

const asleep = () => bench.server.until(bench.sessionId, ({ runtime }) => !runtime.isLoaded);

test("two calls that wait keep their sandbox, however idle; one that is left does so until its sibling has a result", async () => {
  const { server, sessionId } = bench;
  const asks = await bench.untilAsked("go", [{ tools: [bash("echo one"), bash("echo two")] }, { text: "done" }], 2);
  const stays = /"reason":"[^"]*2 answers/;
  await expect.poll(() => server.logs.some(({ detail }) => stays.test(JSON.stringify(detail)))).toBe(true);
  const { runtime, turn } = await server.state(sessionId);
  expect([runtime.isLoaded, runtime.sandbox?.status, turn?.deferred]).toEqual([true, "ready", undefined]);
  for (const { askId } of asks) expect((await bench.answer(askId, ALLOW)).status).toBe(200);
  expect(results(await bench.over()).toSorted((a, b) => a.localeCompare(b))).toEqual(["one", "two"]);
});

test("an interrupt ends a turn that sleeps: its ask is withdrawn, and the next message goes on in a new sandbox", async () => {
  const { server, sessionId } = bench;
  const [ask] = await bench.untilAsked("go", [DO, { text: "unsaid" }]);
  await asleep();
  expect((await server.request("POST", `/sessions/${sessionId}/interrupt`)).status).toBe(204);
  const state = await server.state(sessionId);
  expect([state.turn, state.asks]).toEqual([null, []]);
  const late = await bench.answer(ask?.askId ?? "", ALLOW);
  expect([late.status, await late.json()]).toMatchObject([
    409,
    { error: "ask_resolved", detail: expect.stringContaining("withdrawn") as string },
  ]);
  expect(said(await server.turn(sessionId, prompt("next", { text: "alive" })))).toEqual(["alive"]);
  expect(await turnEnds(server, sessionId)).toEqual(["interrupted", "completed"]);
});

test("unload puts a turn that waits to sleep at once; a program answers, and several asks of one turn sleep one after another", async () => {
  const { server, sessionId } = bench;
  await bench.untilAsked("go", [DO, { tools: [bash("echo did more")] }, { text: "done" }]);
  const sandbox = await sandboxPid(server.dataDir, `${sessionId}-1`);
  expect((await server.request("POST", `/sessions/${sessionId}/unload`)).status).toBe(204);
  expect(isAlive(sandbox)).toBe(false);
  const sleeping = await server.state(sessionId);
  expect(sleeping).toMatchObject({ turn: { deferred: true }, asks: [{ kind: "permission" }] });
  const first = sleeping.asks[0]?.askId ?? "";
  const session = await server.runtime.sessionManager.loadSession(sessionId);
  await session.answer({ askId: first, answer: { decision: "allow" } });
  const second = await server.until(
    sessionId,
    ({ asks, runtime }) => asks.some(({ askId }) => askId !== first) && !runtime.isLoaded,
  );
  expect(second.turn?.deferred).toBe(true);
  expect((await bench.answer(second.asks[0]?.askId ?? "", ALLOW)).status).toBe(200);
  const state = await bench.over();
  expect([results(state), said(state), state.runtime.sandbox?.restartCount]).toEqual([
    ["did it", "did more"],
    ["done"],
    2,
  ]);
  const types = (await logOf(server, sessionId)).map(({ type }) => type).filter((type) => type.includes(":turn:"));
  const sleep = ["session:turn:deferred", "session:turn:continued"];
  expect(types).toEqual(["session:turn:started", ...sleep, ...sleep, "session:turn:completed"]);
});

test("a session whose turn sleeps is deleted like any other", async () => {
  const { server, sessionId } = bench;
  const [ask] = await bench.untilAsked("go", [DO, { text: "unsaid" }]);
  await asleep();
  expect((await server.request("DELETE", `/sessions/${sessionId}`)).status).toBe(204);
  expect((await bench.answer(ask?.askId ?? "", ALLOW)).status).toBe(404);
});

test("an application that decides late is waited for without a sandbox, and its answer finds a session that has left the memory", async () => {
  const decided = Promise.withResolvers<typeof ALLOW>();
  await using late = await askBench(
    { permissions: { ask: ["Bash"] } },
    { idleTimeoutMs: SHORT_MS, onAsk: () => decided.promise },
  );
  const { server, sessionId } = late;
  await late.untilAsked("go", [DO, { text: "done" }]);
  const resting = await server.until(sessionId, ({ runtime }) => runtime.sandbox?.status === "terminated");
  // After a restart somebody has to ask the application again.
  expect([resting.turn?.deferred, resting.runtime.isLoaded]).toEqual([true, true]);
  expect((await server.request("POST", `/sessions/${sessionId}/unload`)).status).toBe(204);
  expect((await server.state(sessionId)).runtime.isLoaded).toBe(false);
  decided.resolve(ALLOW);
  const state = await server.until(sessionId, ({ turn }) => turn === null);
  expect([results(state), said(state)]).toEqual([["did it"], ["done"]]);
});

test("what was unloaded by request is left alone when its ask expires, and looked at when it is loaded next", async () => {
  // As soon as it is there it has expired, or nearly.
  const asks = { expiresAfterMs: 1_500, onExpiry: "allow" as const };
  await using one = await askBench({ permissions: { ask: ["Bash"] }, asks });
  const { server, sessionId } = one;
  await server.send(sessionId, prompt("go", DO, { text: "done" }));
  await server.until(sessionId, ({ asks: open, lastTurn }) => open.length === 1 || lastTurn !== undefined);
  expect((await server.request("POST", `/sessions/${sessionId}/unload`)).status).toBe(204);
  const left = await server.state(sessionId);
  // On a busy machine the ask may have expired before the unload.
  const expiresAt = Date.parse(left.asks[0]?.expiresAt ?? "");
  // Long enough for a timer that nobody stopped.
  if (left.turn !== null) await expect.poll(() => Date.now() > expiresAt + 300).toBe(true);
  const { runtime, lastSeq } = await server.state(sessionId);
  expect([runtime.isLoaded, lastSeq]).toEqual([false, left.lastSeq]);
  await server.runtime.sessionManager.loadSession(sessionId);
  const state = await server.until(sessionId, ({ turn }) => turn === null);
  expect([results(state), said(state)]).toEqual(
    left.turn === null ? [results(left), said(left)] : [["did it"], ["done"]],
  );
});
