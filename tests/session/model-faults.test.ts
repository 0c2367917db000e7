import { initialState, reduceAll, type SessionEvent, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prompt } from "../testing/prompts.ts";
import { errors, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";

let bench: RuntimeUnderTest;
beforeAll(async () => {
  bench = await startRuntime();
});
afterAll(() => bench[Symbol.asyncDispose]());

/** Requests for an answer that had `marker` in them. */
function tries(marker: string): number {
  return bench.model.requests.filter(
    ({ path, body }) => path.startsWith("/v1/messages?") && JSON.stringify(body ?? null).includes(marker),
  ).length;
}

function replayed(id: string, state: SessionState, events: readonly SessionEvent[]): SessionState {
  return reduceAll(initialState(id, state.logId), events);
}

const message = (state: SessionState): string => {
  const block = state.blocks.findLast(({ type }) => type === "error");
  return block?.type === "error" ? block.message : "";
};

describe("a model that refuses", () => {
  test.each([
    [400, "model_refused"],
    [401, "model_auth_failed"],
    [403, "model_auth_failed"],
  ])("%i: the turn fails at once, with one error block of code %s, and the session goes on", async (status, code) => {
    const id = await bench.create();
    const marker = `refused-${status}`;
    const state = await bench.turn(id, prompt(marker, { error: { status, message: "the model says no" } }));
    expect(errors(state)).toEqual([code]);
    expect(await turnEnds(bench, id)).toEqual([`failed ${code}`]);
    if (code === "model_auth_failed") expect(message(state)).toMatch(/ANTHROPIC_API_KEY/);
    expect(message(state)).not.toContain("exited with code");
    // A harness left alone would try sixteen times, for minutes; after a 400 it tries other forms of the request.
    expect(tries(marker)).toBeGreaterThan(0);
    expect(tries(marker)).toBeLessThan(status === 400 ? 10 : 4);
    const after = await bench.turn(id, prompt("again", { text: "works again" }));
    expect(said(after)).toEqual(["works again"]);
    expect(errors(after)).toEqual([code]);
    expect(after.runtime.sandbox).toMatchObject({ status: "ready", restartCount: 0 });
  });
});

describe("a model that has no time", () => {
  test.each([429, 529])("%i for some tries: the turn completes", async (status) => {
    const id = await bench.create();
    const marker = `busy-${status}`;
    const state = await bench.turn(id, prompt(marker, { text: "at last", error: { status, times: 2, retryAfter: 0 } }));
    expect(said(state)).toEqual(["at last"]);
    expect(errors(state)).toEqual([]);
    expect(tries(marker)).toBeGreaterThanOrEqual(3);
    expect(await turnEnds(bench, id)).toEqual(["completed"]);
  });

  test("one that never answers: the turn can be interrupted", async () => {
    const id = await bench.create();
    await bench.send(id, prompt("silence", { hang: true }));
    await bench.until(id, ({ runtime }) => runtime.sandbox?.status === "ready");
    await expect.poll(() => tries("silence"), { timeout: 30_000 }).toBeGreaterThan(0);
    expect((await bench.request("POST", `/sessions/${id}/interrupt`)).status).toBe(204);
    const stopped = await bench.until(id, ({ turn }) => turn === null);
    expect(errors(stopped)).toEqual([]);
    expect(await turnEnds(bench, id)).toEqual(["interrupted"]);
    expect(said(await bench.turn(id, prompt("again", { text: "awake" })))).toEqual(["awake"]);
  });
});

test("a line that is cut in the middle of a text: the broken copy is taken back, and the log tells the same", async () => {
  const id = await bench.create();
  const text = "All of this must be there once, and only once, whatever happens to the line.";
  const state = await bench.turn(id, prompt("cut", { text, dropAfter: { deltas: 3, times: 1 } }));
  expect(said(state)).toEqual([text]);
  expect(state.streamingBlockIds).toEqual([]);
  expect(errors(state)).toEqual([]);
  expect(await turnEnds(bench, id)).toEqual(["completed"]);
  const events = await logOf(bench, id);
  const started = events.filter(
    (event) => event.type === "session:block:start" && event.data.block.type === "assistant_text",
  );
  expect(started).toHaveLength(2);
  expect(JSON.stringify(replayed(id, state, events))).toBe(JSON.stringify(await bench.state(id)));
  const page = (await (await bench.request("GET", `/sessions/${id}/blocks?limit=50`)).json()) as { blocks: unknown[] };
  expect(page.blocks).toEqual(state.blocks);
});

test("usage, cost and model are counted over turns", async () => {
  const id = await bench.create({ sessionOptions: { model: "claude-sonnet-4-5" } });
  const usage = { input: 1000, output: 200, cacheRead: 30, cacheWrite: 4 };
  const first = await bench.turn(id, prompt("count", { text: "one", usage }));
  expect(first.sessionMetadata).toMatchObject({
    usage: { inputTokens: 1000, outputTokens: 200, cacheReadTokens: 30, cacheWriteTokens: 4, totalTokens: 1234 },
    model: "claude-sonnet-4-5",
  });
  expect(first.sessionMetadata.costUSD).toBeGreaterThan(0);
  const second = await bench.turn(id, prompt("count on", { text: "two", usage }));
  expect(second.sessionMetadata.usage).toMatchObject({ inputTokens: 2000, outputTokens: 400, totalTokens: 2468 });
  expect(second.sessionMetadata.costUSD).toBeCloseTo(2 * first.sessionMetadata.costUSD, 10);
  const ends = (await logOf(bench, id)).flatMap((event) =>
    event.type === "session:turn:completed" ? [event.data.usage.inputTokens] : [],
  );
  expect(ends).toEqual([1000, 1000]);
});
