import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { harnessOf, isAlive, runnerOf, sandboxPid } from "../testing/processes.ts";
import { bash, prompt, TALK } from "../testing/prompts.ts";
import { errors, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";

let bench: RuntimeUnderTest;
beforeAll(async () => {
  // With a runner that hangs there is nothing to wait for.
  bench = await startRuntime({ interruptTimeoutMs: 1000 });
});
afterAll(() => bench[Symbol.asyncDispose]());

/** A session with a saved file that talks, and the processes of its sandbox. */
async function talking(
  bench: RuntimeUnderTest,
): Promise<{ id: string; sandbox: number; harness: number; runner: number }> {
  const id = await bench.create();
  await bench.turn(id, prompt("remember-this", { tools: [bash("printf kept > notes.txt")] }, { text: "noted" }));
  await bench.send(id, prompt("talk", TALK), { messageId: "talk" });
  await bench.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
  const sandbox = await sandboxPid(bench.dataDir, `${id}-1`);
  return { id, sandbox, harness: harnessOf(sandbox).pid, runner: runnerOf(sandbox).pid };
}

async function interrupt(bench: RuntimeUnderTest, id: string): Promise<void> {
  expect((await bench.request("POST", `/sessions/${id}/interrupt`)).status).toBe(204);
}

const turnIsOver = (bench: RuntimeUnderTest, id: string) => bench.until(id, ({ turn }) => turn === null);

/** The next message finds conversation and files. */
async function expectGoesOn(bench: RuntimeUnderTest, id: string): Promise<void> {
  const after = await bench.turn(id, prompt("and-then", { tools: [bash("cat notes.txt")] }, { text: "back again" }));
  expect(said(after).at(-1)).toBe("back again");
  expect(after.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({ content: "kept" });
  const request = bench.model.requests.findLast(({ body }) => JSON.stringify(body ?? null).includes("and-then"));
  expect(JSON.stringify(request?.body)).toContain("remember-this");
}

describe("an interrupt of a turn that hangs", () => {
  test("with its harness stopped by SIGSTOP: the harness is killed, and the same sandbox goes on", async () => {
    // Some of the time is for the harness to stop by itself, and some for the runner to tell the end.
    await using patient = await startRuntime({ interruptTimeoutMs: 5000 });
    const { id, harness } = await talking(patient);
    process.kill(harness, "SIGSTOP");
    await interrupt(patient, id);
    const state = await turnIsOver(patient, id);
    expect([state.streamingBlockIds, errors(state), isAlive(harness)]).toEqual([[], [], false]);
    expect(await turnEnds(patient, id)).toEqual(["completed", "interrupted"]);
    await expectGoesOn(patient, id);
    expect((await patient.state(id)).runtime.sandbox).toMatchObject({ status: "ready", restartCount: 0 });
  });

  test("with its runner stopped by SIGSTOP: the server ends the turn, then the sandbox; the next message gets a new one", async () => {
    const { id, sandbox, runner } = await talking(bench);
    process.kill(runner, "SIGSTOP");
    await interrupt(bench, id);
    await interrupt(bench, id);
    const state = await turnIsOver(bench, id);
    expect([state.streamingBlockIds, errors(state)]).toEqual([[], []]);
    expect(said(state).at(-1)).toMatch(/^word word/);
    await bench.until(id, ({ runtime }) => runtime.sandbox?.status === "terminated");
    expect(isAlive(sandbox)).toBe(false);
    await expectGoesOn(bench, id);
    expect((await bench.state(id)).runtime.sandbox).toMatchObject({ status: "ready", restartCount: 1 });
    expect(await turnEnds(bench, id)).toEqual(["completed", "interrupted", "completed"]);
  });

  test("a runner that wakes up after its turn was ended: what it says then of that turn is not taken", async () => {
    const { id, sandbox, runner } = await talking(bench);
    process.kill(runner, "SIGSTOP");
    await interrupt(bench, id);
    const { blocks } = await turnIsOver(bench, id);
    process.kill(runner, "SIGCONT");
    await bench.until(id, ({ runtime }) => runtime.sandbox?.status === "terminated");
    const state = await bench.state(id);
    expect([state.blocks, state.streamingBlockIds]).toEqual([blocks, []]);
    expect(isAlive(sandbox)).toBe(false);
    await expectGoesOn(bench, id);
    const seqs = (await logOf(bench, id)).map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from(seqs, (_unused, index) => index + 1));
  });

  test("an urgent message stops it too, and is answered by a new sandbox", async () => {
    const { id, runner } = await talking(bench);
    process.kill(runner, "SIGSTOP");
    await bench.send(id, prompt("urgent", { text: "at last" }), { messageId: "urgent", mode: "interrupt" });
    const done = await bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
    expect(said(done).at(-1)).toBe("at last");
    expect(await turnEnds(bench, id)).toEqual(["completed", "interrupted", "completed"]);
  });

  test("an unload ends it as well", async () => {
    const { id, sandbox, runner } = await talking(bench);
    process.kill(runner, "SIGSTOP");
    expect((await bench.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
    expect(isAlive(sandbox)).toBe(false);
    expect((await bench.state(id)).runtime).toMatchObject({ isLoaded: false });
    await expectGoesOn(bench, id);
  });
});

describe("deadlines", () => {
  test("turnTimeoutMs: a turn over it fails as turn_timeout with a remedy, and the session goes on", async () => {
    await using timed = await startRuntime({ turnTimeoutMs: 4000 });
    const id = await timed.create();
    const failed = await timed.turn(id, prompt("forever", { tools: [bash("sleep 600")] }, { text: "never" }));
    expect(failed.blocks.findLast(({ type }) => type === "error")).toMatchObject({
      code: "turn_timeout",
      message: expect.stringMatching(/4 s.*Send another message/),
    });
    expect(said(await timed.turn(id, prompt("short", { text: "in time" })))).toEqual(["in time"]);
    expect(await turnEnds(timed, id)).toEqual(["failed turn_timeout", "completed"]);
  });

  test("turnTimeoutMs counts over a restart, and a runner that hangs does not outlive it", async () => {
    const config = { turnTimeoutMs: 8000, interruptTimeoutMs: 1000, shutdownGraceMs: 1 };
    const first = await startRuntime(config);
    try {
      const id = await first.create();
      await first.send(id, prompt("forever", { tools: [bash("touch begun; sleep 600")] }, { text: "never" }));
      const begun = await first.until(id, ({ workspaceFiles }) => workspaceFiles.some(({ path }) => path === "begun"));
      const { startedAt } = begun.turn ?? { startedAt: "" };
      await first.runtime.shutdown();
      await using second = await startRuntime(config, { dataDir: first.dataDir, model: first.model });
      process.kill(runnerOf(await sandboxPid(first.dataDir, `${id}-1`)).pid, "SIGSTOP");
      const failed = await second.until(id, ({ turn }) => turn === null);
      expect(errors(failed)).toEqual(["turn_timeout"]);
      const end = (await logOf(second, id)).find(({ type }) => type === "session:turn:completed");
      expect(Date.parse(end?.at ?? "") - Date.parse(startedAt)).toBeGreaterThanOrEqual(8000);
      await second.until(id, ({ runtime }) => runtime.sandbox?.status === "terminated");
    } finally {
      await first.model.close();
      await rm(first.dataDir, { recursive: true, force: true });
    }
  });

  test("harnessStartTimeoutMs: an agent that is not ready within it ends the turn as harness_timeout", async () => {
    await using hasty = await startRuntime({ harnessStartTimeoutMs: 5 });
    const id = await hasty.create();
    const failed = await hasty.turn(id, prompt("hello", { text: "never" }));
    expect(errors(failed)).toEqual(["harness_timeout"]);
    expect(failed.runtime.sandbox?.status).toBe("error");
    expect(await turnEnds(hasty, id)).toEqual(["failed harness_timeout"]);
  });
});
