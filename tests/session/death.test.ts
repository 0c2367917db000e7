import type { SessionState } from "@hhopkins/agent-runtime";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { harnessOf, descendants, isAlive, runnerOf, sandboxPid } from "../testing/processes.ts";
import { bash, prompt, TALK } from "../testing/prompts.ts";
import { errors, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";

let bench: RuntimeUnderTest;
beforeAll(async () => {
  bench = await startRuntime();
});
afterAll(() => bench[Symbol.asyncDispose]());

/** A session that has a file and a conversation, and talks. Resolves with what it has said so far. */
async function talking(): Promise<{ id: string; sandbox: number; soFar: string }> {
  const id = await bench.create();
  await bench.turn(id, prompt("remember-this", { tools: [bash("printf kept > notes.txt")] }, { text: "noted" }));
  await bench.send(id, prompt("talk", TALK));
  const state = await bench.until(id, (now) => said(now).at(-1)?.includes("word word word") === true);
  const sandbox = await sandboxPid(bench.dataDir, state.runtime.sandbox?.sandboxId ?? "");
  return { id, sandbox, soFar: said(state).at(-1) ?? "" };
}

function expectClosed(state: SessionState): void {
  expect(state.streamingBlockIds).toEqual([]);
  const statuses = state.blocks.flatMap((block) => (block.type === "tool_use" ? [block.status] : []));
  expect(statuses.filter((status) => status === "running" || status === "pending")).toEqual([]);
}

/** The next message finds files and conversation of before. */
async function expectGoesOn(id: string): Promise<SessionState> {
  const after = await bench.turn(id, prompt("and-then", { tools: [bash("cat notes.txt")] }, { text: "back again" }));
  expect(said(after).at(-1)).toBe("back again");
  expect(after.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({ content: "kept" });
  const request = bench.model.requests.findLast(({ body }) => JSON.stringify(body ?? null).includes("and-then"));
  expect(JSON.stringify(request?.body)).toContain("remember-this");
  return after;
}

describe("kill -9 in the middle of a turn", () => {
  test("of the harness: the turn fails, the same sandbox goes on with a new one", async () => {
    const { id, sandbox, soFar } = await talking();
    const harness = harnessOf(sandbox);
    process.kill(harness.pid, "SIGKILL");
    const failed = await bench.until(id, ({ turn }) => turn === null);
    expect(errors(failed)).toEqual(["harness_failed"]);
    expectClosed(failed);
    expect(said(failed).at(-1)?.startsWith(soFar)).toBe(true);
    expect(isAlive(harness.pid)).toBe(false);
    const after = await expectGoesOn(id);
    expect(after.runtime.sandbox).toMatchObject({ status: "ready", restartCount: 0 });
    expect(await turnEnds(bench, id)).toEqual(["completed", "failed harness_failed", "completed"]);
    expect(harnessOf(sandbox).pid).not.toBe(harness.pid);
  });

  test.each(["runner", "sandbox"])(
    "of the %s: the turn fails as sandbox_lost, the next message starts a new one",
    async (victim) => {
      const { id, sandbox, soFar } = await talking();
      const all = [sandbox, ...descendants(sandbox).map(({ pid }) => pid)];
      process.kill(victim === "runner" ? runnerOf(sandbox).pid : sandbox, "SIGKILL");
      const failed = await bench.until(id, ({ turn }) => turn === null);
      expect(errors(failed)).toEqual(["sandbox_lost"]);
      expect(failed.runtime.sandbox).toMatchObject({
        status: "error",
        statusMessage: expect.stringContaining("next message"),
      });
      expectClosed(failed);
      expect(said(failed).at(-1)?.startsWith(soFar)).toBe(true);
      await expect.poll(() => all.filter(isAlive)).toEqual([]);
      const after = await expectGoesOn(id);
      expect(after.runtime.sandbox).toMatchObject({ status: "ready", restartCount: 1, sandboxId: `${id}-2` });
      expect(await turnEnds(bench, id)).toEqual(["completed", "failed sandbox_lost", "completed"]);
    },
  );

  test("while a command runs: its block does not stay running, and what it had written is there", async () => {
    const id = await bench.create();
    await bench.send(id, prompt("remember-this", { tools: [bash("printf kept > notes.txt; sleep 600")] }));
    const running = await bench.until(id, ({ workspaceFiles }) =>
      workspaceFiles.some(({ path, content }) => path === "notes.txt" && content === "kept"),
    );
    expect(running.blocks.at(-1)).toMatchObject({ type: "tool_use", status: "running" });
    process.kill(await sandboxPid(bench.dataDir, `${id}-1`), "SIGKILL");
    const failed = await bench.until(id, ({ turn }) => turn === null);
    expectClosed(failed);
    expect(failed.blocks.find(({ type }) => type === "tool_use")).toMatchObject({ status: "error" });
    await expectGoesOn(id);
  });

  test("of an idle sandbox: it is said, and no turn fails", async () => {
    const id = await bench.create();
    await bench.turn(id, prompt("remember-this", { tools: [bash("printf kept > notes.txt")] }, { text: "noted" }));
    process.kill(await sandboxPid(bench.dataDir, `${id}-1`), "SIGKILL");
    const gone = await bench.until(id, ({ runtime }) => runtime.sandbox?.status === "error");
    expect(errors(gone)).toEqual([]);
    const after = await expectGoesOn(id);
    expect(errors(after)).toEqual([]);
    expect(await turnEnds(bench, id)).toEqual(["completed", "completed"]);
  });

  test.each(["SIGKILL", "SIGABRT"] as const)(
    "of a harness between turns by %s: nobody is told, and the next turn goes on with a new one",
    async (signal) => {
      const id = await bench.create();
      await bench.turn(id, prompt("remember-this", { tools: [bash("printf kept > notes.txt")] }, { text: "noted" }));
      const before = await bench.state(id);
      const sandbox = await sandboxPid(bench.dataDir, `${id}-1`);
      const harness = harnessOf(sandbox).pid;
      process.kill(harness, signal);
      await expect.poll(() => isAlive(harness)).toBe(false);
      expect(await bench.state(id)).toEqual(before);
      const after = await expectGoesOn(id);
      expect([errors(after), after.runtime.sandbox]).toEqual([
        [],
        expect.objectContaining({ status: "ready", restartCount: 0 }),
      ]);
      expect(harnessOf(sandbox).pid).not.toBe(harness);
      expect(await turnEnds(bench, id)).toEqual(["completed", "completed"]);
    },
  );

  test("of a harness that aborts, as one does that gets no memory: the turn fails, the next message goes on", async () => {
    const { id, sandbox } = await talking();
    process.kill(harnessOf(sandbox).pid, "SIGABRT");
    const failed = await bench.until(id, ({ turn }) => turn === null);
    expect(errors(failed)).toEqual(["harness_failed"]);
    expectClosed(failed);
    expect((await expectGoesOn(id)).runtime.sandbox).toMatchObject({ restartCount: 0 });
  });

  test("of an idle runner: it is said, no turn fails, and the next message starts a new sandbox", async () => {
    const id = await bench.create();
    await bench.turn(id, prompt("remember-this", { tools: [bash("printf kept > notes.txt")] }, { text: "noted" }));
    process.kill(runnerOf(await sandboxPid(bench.dataDir, `${id}-1`)).pid, "SIGKILL");
    await bench.until(id, ({ runtime }) => runtime.sandbox?.status === "error");
    const after = await expectGoesOn(id);
    expect([errors(after), after.runtime.sandbox]).toEqual([[], expect.objectContaining({ restartCount: 1 })]);
  });

  test("while the sandbox starts: the turn fails, the next message tries again", async () => {
    const id = await bench.create();
    await bench.send(id, prompt("first", { text: "never" }));
    await bench.until(id, ({ runtime }) => runtime.sandbox?.sandboxId !== undefined);
    process.kill(await sandboxPid(bench.dataDir, `${id}-1`), "SIGKILL");
    const failed = await bench.until(id, ({ turn }) => turn === null);
    expect(errors(failed)).toEqual(["sandbox_lost"]);
    expect(failed.runtime.sandbox?.status).toBe("error");
    const after = await bench.turn(id, prompt("second", { text: "here" }));
    expect(said(after)).toEqual(["here"]);
  });

  test("queued messages run in the new sandbox, and the log has no hole", async () => {
    const { id, sandbox } = await talking();
    await bench.send(id, prompt("queued", { text: "from the queue" }));
    process.kill(sandbox, "SIGKILL");
    const done = await bench.until(
      id,
      ({ turn, queue, blocks }) => turn === null && queue.length === 0 && blocks.length > 6,
    );
    expect(said(done).at(-1)).toBe("from the queue");
    expect(done.runtime.sandbox).toMatchObject({ restartCount: 1 });
    const seqs = (await logOf(bench, id)).map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: done.lastSeq }, (_unused, index) => index + 1));
  });
});
