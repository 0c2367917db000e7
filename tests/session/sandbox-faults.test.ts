import { RuntimeError, type Sandbox, type SandboxProvider } from "@hhopkins/agent-runtime";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { errors, said, startRuntime } from "../testing/runtime-under-test.ts";
import { turnEnds } from "../testing/session-log.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

type Create = SandboxProvider["create"];

/** The real provider, with another `create` around its own. */
function around(create: (real: Create, ...given: Parameters<Create>) => Promise<Sandbox>): SandboxProvider {
  const local = localSandbox({ dataDir });
  return { ...local, create: (...given) => create(local.create, ...given) };
}

describe("a sandbox that cannot be had", () => {
  test("the turn says why, the session shows it, and the next message tries again", async () => {
    let broken = true;
    const sandbox = around(async (real, ...given) => {
      if (broken) throw new RuntimeError("sandbox_credentials", "The provider refused the token. Set another one.");
      return real(...given);
    });
    await using bench = await startRuntime({ sandbox }, { dataDir });
    const id = await bench.create();
    const failed = await bench.turn(id, prompt("first", { text: "never" }));
    expect(failed.blocks.at(-1)).toMatchObject({
      type: "error",
      code: "sandbox_credentials",
      message: expect.stringContaining("Set another one"),
    });
    expect(failed.runtime.sandbox).toMatchObject({
      status: "error",
      statusMessage: expect.stringContaining("Set another one"),
    });
    expect(errors(failed)).toEqual(["sandbox_credentials"]);
    broken = false;
    const after = await bench.turn(id, prompt("second", { text: "works" }));
    expect(said(after)).toEqual(["works"]);
    expect(after.runtime.sandbox).toMatchObject({ status: "ready" });
    expect(await turnEnds(bench, id)).toEqual(["failed sandbox_credentials", "completed"]);
  });

  test("a provider that does not answer is given up, and what it brings too late is ended", async () => {
    const late = Promise.withResolvers<void>();
    const brought = Promise.withResolvers<Sandbox>();
    let first = true;
    const sandbox = around(async (real, spec, options) => {
      if (!first) return real(spec, options);
      first = false;
      await late.promise;
      const created = await real(spec, { ...options, signal: new AbortController().signal });
      brought.resolve(created);
      return created;
    });
    await using bench = await startRuntime({ sandbox, sandboxStartTimeoutMs: 8000 }, { dataDir });
    const id = await bench.create();
    const failed = await bench.turn(id, prompt("first", { text: "never" }));
    expect(errors(failed)).toEqual(["sandbox_unavailable"]);
    expect(failed.runtime.sandbox?.statusMessage).toMatch(/in time/);
    late.resolve();
    await (
      await brought.promise
    ).ended;
    const after = await bench.turn(id, prompt("second", { text: "works" }));
    expect(said(after)).toEqual(["works"]);
    expect(await sandbox.list({ deployment: "default" })).toHaveLength(1);
  });

  test("a harness whose package is not there names the command that installs it", async () => {
    const sandbox = around((real, spec, options) =>
      real({ ...spec, runner: { ...spec.runner, packages: {} } }, options),
    );
    await using bench = await startRuntime({ sandbox }, { dataDir });
    const id = await bench.create();
    const failed = await bench.turn(id, prompt("first", { text: "never" }));
    expect(failed.blocks.at(-1)).toMatchObject({
      type: "error",
      code: "missing_dependency",
      message: expect.stringMatching(/npm install @anthropic-ai\/claude-agent-sdk/),
    });
    expect(failed.runtime.sandbox?.status).toBe("error");
    expect(await sandbox.list({ deployment: "default" })).toEqual([]);
  });
});

test("beyond maxSandboxes a session waits and says its place, until another one is unloaded", async () => {
  await using bench = await startRuntime({ maxSandboxes: 1 }, { dataDir });
  const [first, second, third] = [await bench.create(), await bench.create(), await bench.create()];
  await bench.turn(first, prompt("one", { text: "1" }));
  await bench.send(second, prompt("two", { text: "2" }));
  const waiting = await bench.until(second, ({ runtime }) => runtime.sandbox !== null);
  expect(waiting.runtime.sandbox).toMatchObject({ status: "pending", statusMessage: expect.stringMatching(/\b1\b/) });
  await bench.send(third, prompt("three", { text: "3" }));
  const behind = await bench.until(third, ({ runtime }) => runtime.sandbox !== null);
  expect(behind.runtime.sandbox).toMatchObject({ status: "pending", statusMessage: expect.stringMatching(/\b2\b/) });
  // Who gives up leaves the line.
  expect((await bench.request("DELETE", `/sessions/${second}`)).status).toBe(204);
  await bench.until(third, ({ runtime }) => /\b1\b/.test(runtime.sandbox?.statusMessage ?? ""));
  expect((await bench.request("POST", `/sessions/${first}/unload`)).status).toBe(204);
  const done = await bench.until(third, ({ turn, queue }) => turn === null && queue.length === 0);
  expect(said(done)).toEqual(["3"]);
});

test("an idle session is saved, its sandbox ended, and it is unloaded; one that works is not", async () => {
  await using bench = await startRuntime({ idleTimeoutMs: 300 }, { dataDir });
  const [idle, busy] = [await bench.create(), await bench.create()];
  await bench.send(busy, prompt("busy", { tools: [bash("until test -e go; do sleep 0.05; done")] }, { text: "went" }));
  await bench.turn(idle, prompt("idle", { tools: [bash("printf kept > notes.txt")] }, { text: "done" }));
  const asleep = await bench.until(idle, ({ runtime }) => !runtime.isLoaded);
  expect(asleep.runtime.sandbox?.status).toBe("terminated");
  expect(asleep.workspaceFiles).toMatchObject([{ path: "notes.txt", content: "kept" }]);
  expect((await bench.state(busy)).turn).not.toBeNull();
  await expect
    .poll(() => bench.runtime.sessionManager.getLoadedSessions().map(({ sessionId }) => sessionId), { timeout: 30_000 })
    .toEqual([busy]);
  const woken = await bench.turn(idle, prompt("again", { tools: [bash("cat notes.txt")] }, { text: "awake" }));
  expect(woken.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({ content: "kept" });
});
