import { writeFileSync } from "node:fs";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runnerOf, sandboxPid } from "../testing/processes.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { errors, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";

const MIB = 1024 * 1024;
const LIMITS = { memoryBytes: 900 * MIB, processes: 200, diskBytes: 64 * MIB };

let dataDir: string;
let bench: RuntimeUnderTest;
let neighbour: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
  bench = await startRuntime({ sandbox: localSandbox({ dataDir, limits: LIMITS }) }, { dataDir });
  neighbour = await bench.create();
  await bench.turn(neighbour, prompt("hello", { tools: [bash("printf kept > kept.txt")] }, { text: "here" }));
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

async function neighbourIsFine(): Promise<void> {
  const state = await bench.turn(neighbour, prompt("still", { tools: [bash("cat kept.txt")] }, { text: "fine" }));
  expect(said(state).at(-1)).toBe("fine");
  expect(state.runtime.sandbox).toMatchObject({ status: "ready", restartCount: 0 });
  expect(errors(state)).toEqual([]);
}

/** A session with a file that is saved. */
async function working(): Promise<string> {
  const id = await bench.create();
  await bench.turn(id, prompt("begin", { tools: [bash("printf saved > saved.txt")] }, { text: "begun" }));
  return id;
}

async function goesOn(id: string): Promise<void> {
  const state = await bench.turn(id, prompt("go-on", { tools: [bash("cat saved.txt")] }, { text: "back" }));
  expect(state.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({ content: "saved" });
  expect(said(state).at(-1)).toBe("back");
}

const EAT = "head -c 2000000000 /dev/zero | tail -c 1900000000 | wc -c";
const bounded = (await localSandbox({ dataDir: tmpdir() }).describe?.())?.has.join() ?? "";
const heldMemory = bounded.includes("memory: cgroup");
const memory = test.runIf(heldMemory);

memory("a command that takes all memory is killed, and the turn goes on", async () => {
  const id = await working();
  const state = await bench.turn(id, prompt("eat", { tools: [bash(EAT)] }, { text: "survived" }));
  expect(state.blocks.findLast(({ type }) => type === "tool_result")).not.toMatchObject({
    content: expect.stringContaining("1900000000"),
  });
  expect(said(state).at(-1)).toBe("survived");
  expect(state.runtime.sandbox).toMatchObject({ status: "ready", restartCount: 0 });
  await neighbourIsFine();
});

test.runIf(heldMemory && process.getuid?.() === 0)(
  "where the runner itself is killed for memory, the turn ends as sandbox_lost and says why; the next one goes on",
  async () => {
    const id = await working();
    const { runtime } = await bench.state(id);
    const runner = runnerOf(await sandboxPid(dataDir, runtime.sandbox?.sandboxId ?? ""));
    // The kernel takes whom it finds the worst; only root may say who that is.
    writeFileSync(`/proc/${runner.pid}/oom_score_adj`, "1000");
    const state = await bench.turn(id, prompt("eat", { tools: [bash(EAT)] }, { text: "survived" }));
    expect(state.blocks.findLast(({ type }) => type === "error")).toMatchObject({
      code: "sandbox_lost",
      message: expect.stringContaining("out of memory: the sandbox has used up its 900 MiB of memory"),
    });
    await goesOn(id);
    await neighbourIsFine();
  },
);

test("a workspace that grows over its limit: the turn ends as sandbox_lost and says why; the next one goes on", async () => {
  const id = await working();
  const fill = "head -c 100000000 /dev/zero > /workspace/node_modules; sleep 60";
  const state = await bench.turn(id, prompt("fill", { tools: [bash(fill)] }, { text: "survived" }));
  expect(state.blocks.findLast(({ type }) => type === "error")).toMatchObject({
    code: "sandbox_lost",
    message: expect.stringMatching(/out of disk: .* may have 64 MiB/),
  });
  await goesOn(id);
  await neighbourIsFine();
});
