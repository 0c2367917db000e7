import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { harnessOf, isAlive, sandboxPid, sandboxRecord } from "../testing/processes.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { said, startRuntime } from "../testing/runtime-under-test.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";

let model: ScriptedModel;
let dataDir: string;
beforeAll(async () => {
  model = await startScriptedModel();
});
afterAll(() => model.close());
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const WORDS = "word ".repeat(250);

test("a shutdown leaves a running turn to its sandbox; the next server finds both, and nothing is lost or doubled", async () => {
  const first = await startRuntime({ shutdownGraceMs: 1 }, { dataDir, model });
  const id = await first.create();
  const quiet = await first.create();
  await first.turn(quiet, prompt("quiet", { tools: [bash("printf kept > notes.txt")] }, { text: "done" }));
  await first.send(id, prompt("talk", { text: WORDS, chunk: 5, delayMs: 20 }));
  await first.send(id, prompt("queued", { text: "after the restart" }), { messageId: "queued" });
  await first.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
  const sandbox = await sandboxPid(dataDir, `${id}-1`);
  const harness = harnessOf(sandbox).pid;
  const quietSandbox = await sandboxPid(dataDir, `${quiet}-1`);
  await first.runtime.shutdown();
  expect([isAlive(sandbox), isAlive(harness), isAlive(quietSandbox)]).toEqual([true, true, false]);

  await using second = await startRuntime({}, { dataDir, model });
  const found = await second.state(id);
  expect(found.runtime).toMatchObject({
    isLoaded: true,
    sandbox: { status: "ready", sandboxId: `${id}-1`, restartCount: 0 },
  });
  expect((await second.state(quiet)).runtime).toMatchObject({ isLoaded: false, sandbox: { status: "terminated" } });
  const done = await second.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
  expect(said(done)).toEqual([WORDS, "after the restart"]);
  expect(harnessOf(sandbox).pid).toBe(harness);
  expect(await turnEnds(second, id)).toEqual(["completed", "completed"]);
  const seqs = (await logOf(second, id)).map(({ seq }) => seq);
  expect(seqs).toEqual(Array.from({ length: done.lastSeq }, (_unused, index) => index + 1));
});

test("a shutdown begins no new turn: the running one may end, what is queued is for the next server", async () => {
  const first = await startRuntime({ shutdownGraceMs: 60_000 }, { dataDir, model });
  const id = await first.create();
  await first.send(id, prompt("talk", { text: WORDS, chunk: 20, delayMs: 10 }));
  await first.send(id, prompt("queued-for-the-next", { text: "by the next server" }));
  await first.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
  await first.runtime.shutdown();
  expect(model.requests.filter(({ body }) => JSON.stringify(body ?? null).includes("queued-for-the-next"))).toEqual([]);
  await using second = await startRuntime({}, { dataDir, model });
  const done = await second.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
  expect(said(done)).toEqual([WORDS, "by the next server"]);
  expect(await turnEnds(second, id)).toEqual(["completed", "completed"]);
});

test("a turn whose sandbox died while no server ran fails as sandbox_lost, and what it had said stays", async () => {
  const first = await startRuntime({ shutdownGraceMs: 1 }, { dataDir, model });
  const id = await first.create();
  await first.send(id, prompt("talk", { text: WORDS, chunk: 5, delayMs: 20 }));
  await first.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
  await first.runtime.shutdown();
  const {
    process: { pid: sandbox },
    sockets,
  } = await sandboxRecord(dataDir, `${id}-1`);
  process.kill(sandbox, "SIGKILL");
  await expect.poll(() => isAlive(sandbox)).toBe(false);
  await using second = await startRuntime({}, { dataDir, model });
  const state = await second.until(id, ({ turn }) => turn === null);
  expect(said(state).at(-1)).toMatch(/^word word/);
  expect(state.streamingBlockIds).toEqual([]);
  expect(await turnEnds(second, id)).toEqual(["failed sandbox_lost"]);
  expect(said(await second.turn(id, prompt("again", { text: "alive" }))).at(-1)).toBe("alive");
  // Kept for a day, beside the disk of the dead sandbox, which goes with the data directory here.
  await rm(sockets, { recursive: true });
});

test.each(["pending", "starting", "the agent starts"])(
  "a shutdown while the sandbox is still in the state %s: the next server runs the turn, once",
  async (when) => {
    const first = await startRuntime({ maxSandboxes: 1, shutdownGraceMs: 60_000 }, { dataDir, model });
    const other = await first.create();
    if (when === "pending") await first.turn(other, prompt("other", { text: "takes the only place" }));
    const id = await first.create();
    await first.send(id, prompt("patient", { text: "here at last" }));
    await first.until(id, ({ runtime: { sandbox } }) =>
      when === "the agent starts" ? sandbox?.sandboxId !== undefined : sandbox?.status === when,
    );
    await first.runtime.shutdown();
    const between = await startRuntime({}, { dataDir, model });
    const done = await between.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
    expect(said(done)).toEqual(["here at last"]);
    expect(await turnEnds(between, id)).toEqual(["completed"]);
    expect(await localSandbox({ dataDir }).list({ deployment: "default" })).toHaveLength(1);
    await between[Symbol.asyncDispose]();
    expect(await localSandbox({ dataDir }).list({ deployment: "default" })).toEqual([]);
  },
);

test("sandboxes that belong to no session are ended at the start, those of other deployments are not", async () => {
  const bundle = join(dataDir, "idle.mjs");
  await writeFile(bundle, "setInterval(() => undefined, 1000);\n");
  const provider = localSandbox({ dataDir });
  const start = (deployment: string) =>
    provider.create(
      {
        key: `ghost-${deployment}`,
        tags: { deployment, tenant: "default", session: "ghost", generation: "1" },
        runner: { bundle, packages: {} },
        environment: {},
      },
      { signal: AbortSignal.timeout(20_000), onProgress: () => undefined },
    );
  const [ghost, foreign] = [await start("default"), await start("other")];
  try {
    await using bench = await startRuntime({}, { dataDir, model });
    expect(await ghost.status()).toBe("gone");
    expect(await foreign.status()).toBe("running");
    expect(bench.logs.filter(({ level }) => level === "error")).toEqual([]);
  } finally {
    await Promise.all([ghost.terminate(), foreign.terminate()]);
  }
});
