import type { SandboxProvider } from "@hhopkins/agent-runtime";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { script } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";

let bench: RuntimeUnderTest;
let dataDir: string;
/** What its sandboxes say of when to leave them, epoch ms. */
let moveAfter = 0;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "sandbox-life-"));
  const local = localSandbox({ dataDir });
  const sandbox: SandboxProvider = {
    ...local,
    create: async (...given) => Object.assign(await local.create(...given), { moveAfter }),
  };
  bench = await startRuntime({ sandbox });
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

test("a session leaves a sandbox whose life ends soon between turns, with files and conversation, and stays loaded", async () => {
  const write = { name: "Write", input: { file_path: "/workspace/kept.txt", content: "kept\n" } };
  const read = { name: "Bash", input: { command: "cat kept.txt", description: "read" } };
  const steps = [{ tools: [write] }, { text: "one" }, { tools: [read] }, { text: "two" }, { text: "three" }];
  const id = await bench.create();
  moveAfter = Date.now();
  const first = await bench.turn(id, `go ${script(steps)}`);
  expect(first.runtime.sandbox).toMatchObject({ sandboxId: `${id}-1` });
  moveAfter = Date.now() + 24 * 60 * 60 * 1000;
  const second = await bench.turn(id, "go on");
  expect(second.runtime).toMatchObject({ isLoaded: true, sandbox: { sandboxId: `${id}-2`, status: "ready" } });
  expect(second.blocks.findLast((block) => block.type === "tool_result")).toMatchObject({ content: "kept" });
  const third = await bench.turn(id, "and on");
  expect(third.runtime.sandbox).toMatchObject({ sandboxId: `${id}-2` });
  expect(said(third)).toEqual(["one", "two", "three"]);
});

test("a provider that cannot say what runs keeps no server from starting; what belongs to nobody is ended later", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sandbox-orphan-"));
  const local = localSandbox({ dataDir: folder });
  const bundle = join(folder, "orphan.mjs");
  await writeFile(bundle, "setInterval(() => undefined, 1000);\n");
  const tags = { deployment: "default", tenant: "default", session: "nobody", generation: "1" };
  const orphan = await local.create(
    { key: "nobody-1", tags, runner: { bundle, packages: {} }, environment: {} },
    { signal: new AbortController().signal, onProgress: () => undefined },
  );
  let asked = 0;
  const sandbox: SandboxProvider = {
    ...local,
    list: async (of) => {
      asked += 1;
      if (asked === 1) throw new RuntimeError("sandbox_unavailable", "The cloud does not answer.");
      return local.list(of);
    },
  };
  const late = await startRuntime({ sandbox });
  try {
    expect(asked).toBe(1);
    expect(said(await late.turn(await late.create(), `go ${script([{ text: "at work" }])}`))).toEqual(["at work"]);
    await orphan.ended;
    expect(late.runtime.sessionManager.getLoadedSessions()).toHaveLength(1);
  } finally {
    await late[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
});
