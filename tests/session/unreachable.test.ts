import type { SessionState } from "@hhopkins/agent-runtime";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { errors, said, startRuntime } from "../testing/runtime-under-test.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";
import { unreachableProvider, type UnreachableProvider } from "../testing/unreachable-sandbox.ts";

let dataDir: string;
let line: UnreachableProvider;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
  line = unreachableProvider(localSandbox({ dataDir }));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const workspace = (id: string, generation: number, path: string): string =>
  join(dataDir, "sandboxes", `${id}-${generation}`, "workspace", path);
const commandRuns = ({ blocks }: Pick<SessionState, "blocks">): boolean =>
  blocks.some((block) => block.type === "tool_use" && block.status === "running");
/** Goes on when somebody outside puts a file there. */
const waits = (then: string) =>
  prompt(
    "wait",
    { tools: [bash(`printf begun > begun; while [ ! -e go ]; do sleep 0.05; done; ${then}`)] },
    { text: "done waiting" },
  );

test("a sandbox that cannot be reached is unhealthy, its turn goes on, and all of it is there when it is back", async () => {
  await using bench = await startRuntime({ sandbox: line.provider }, { dataDir });
  const id = await bench.create();
  await bench.send(id, waits("printf after > after.txt; echo heard"));
  const before = await bench.until(id, commandRuns);
  line.cut("unreachable");
  const away = await bench.until(id, ({ runtime }) => runtime.sandbox?.status === "unhealthy");
  expect(away.runtime).toMatchObject({
    isLoaded: true,
    sandbox: { sandboxId: `${id}-1`, statusMessage: expect.stringContaining("cannot be reached") },
  });
  expect(away.turn).toEqual(before.turn);
  await writeFile(workspace(id, 1, "go"), "");
  await expect.poll(() => existsSync(workspace(id, 1, "after.txt"))).toBe(true);
  expect((await bench.state(id)).turn).toEqual(before.turn);
  line.restore();
  const done = await bench.until(id, ({ turn, runtime }) => turn === null && runtime.sandbox?.status === "ready");
  expect(said(done)).toEqual(["done waiting"]);
  expect(errors(done)).toEqual([]);
  expect(done.workspaceFiles.map(({ path }) => path).toSorted()).toEqual(["after.txt", "begun", "go"]);
  expect(done.runtime.sandbox).toMatchObject({ sandboxId: `${id}-1`, restartCount: 0 });
  expect(done.runtime.sandbox).not.toHaveProperty("statusMessage");
  expect(await turnEnds(bench, id)).toEqual(["completed"]);
  const statuses = (await logOf(bench, id)).flatMap((event) =>
    event.type === "session:status" ? [event.data.runtime.sandbox?.status] : [],
  );
  expect(statuses.slice(statuses.indexOf("ready"))).toEqual(["ready", "unhealthy", "ready"]);
});

test("a sandbox that is gone ends its turn; what it says late is not taken, nor does it disturb the new one", async () => {
  await using bench = await startRuntime({ sandbox: line.provider }, { dataDir });
  const id = await bench.create();
  await bench.send(id, waits("echo late-words"));
  await bench.until(id, ({ workspaceFiles, ...state }) => commandRuns(state) && workspaceFiles.length > 0);
  line.cut("gone");
  const failed = await bench.until(id, ({ turn }) => turn === null);
  expect(errors(failed)).toEqual(["sandbox_lost"]);
  expect(failed.runtime.sandbox).toMatchObject({
    status: "error",
    statusMessage: expect.stringContaining("does not have it any more"),
  });
  line.restore();

  await bench.send(
    id,
    prompt("next", { tools: [bash("cat begun; while [ ! -e go ]; do sleep 0.05; done")] }, { text: "undisturbed" }),
  );
  await bench.until(id, ({ turn, ...state }) => turn !== null && commandRuns(state));
  // The old sandbox lives: another process of the provider finds it, and its runner reaches the new one's listener.
  const old = await localSandbox({ dataDir }).attach({ provider: "local", key: `${id}-1` });
  const came = Promise.withResolvers<void>();
  const refused = Promise.withResolvers<void>();
  const listener = await old?.accept("runner", (stream) => {
    stream.on("close", refused.resolve);
    line.deliver(`${id}-2`, stream);
    came.resolve();
  });
  await writeFile(workspace(id, 1, "go"), "");
  await came.promise;
  await refused.promise;
  expect(bench.logs.flatMap(({ detail }) => detail["why"] ?? [])).toContain("generation 1");
  await writeFile(workspace(id, 2, "go"), "");
  const done = await bench.until(id, ({ turn }) => turn === null);
  expect(said(done)).toEqual(["undisturbed"]);
  expect(done.runtime.sandbox).toMatchObject({ status: "ready", sandboxId: `${id}-2` });
  expect(await turnEnds(bench, id)).toEqual(["failed sandbox_lost", "completed"]);
  // Told alone by the command that asked for it, never as its result.
  const results = done.blocks.flatMap((block) => (block.type === "tool_result" ? [block.content] : []));
  expect(results.join()).not.toContain("late-words");
  expect(JSON.stringify(await logOf(bench, id))).not.toContain('"late-words');
  await listener?.close();
  await old?.terminate();
});

test("a server that starts while a sandbox cannot be reached gives nothing up, and goes on with it by itself", async () => {
  const model = await startScriptedModel();
  const first = await startRuntime({ sandbox: line.provider }, { dataDir, model });
  const id = await first.create();
  await first.send(id, waits("printf after > after.txt"));
  const before = await first.until(id, commandRuns);
  await first.runtime.shutdown();
  line.cut("unreachable");
  {
    await using bench = await startRuntime({ sandbox: line.provider }, { dataDir, model });
    const away = await bench.state(id);
    expect(away.runtime.sandbox).toMatchObject({ status: "unhealthy", sandboxId: `${id}-1` });
    expect(away.turn).toEqual(before.turn);
    const refused = await bench.send(id, prompt("meanwhile", { text: "no" }));
    expect([refused.status, (await refused.json()) as object]).toEqual([
      503,
      expect.objectContaining({ error: "sandbox_unavailable" }),
    ]);
    await writeFile(workspace(id, 1, "go"), "");
    line.restore();
    const done = await bench.until(id, ({ turn }) => turn === null);
    expect(said(done)).toEqual(["done waiting"]);
    expect(done.runtime.sandbox).toMatchObject({ status: "ready", sandboxId: `${id}-1` });
    expect(await turnEnds(bench, id)).toEqual(["completed"]);
  }
  await model.close();
});
