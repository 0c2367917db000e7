import type { AgentProfile, SandboxProvider } from "@hhopkins/agent-runtime";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { CANARY, errors, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";

const READY = { timeout: 60_000, interval: 20 };
const PROFILE: AgentProfile = {
  id: "warm",
  name: "Warm",
  tools: ["Bash"],
  defaultWorkspaceFiles: [{ path: "given.txt", content: "given" }],
};

let bench: RuntimeUnderTest;

async function start(...[config, shared]: Parameters<typeof startRuntime>): Promise<void> {
  const persistence = sqlitePersistence({ file: ":memory:", profiles: [PROFILE] });
  bench = await startRuntime({ persistence, warmPool: { warm: 1 }, ...config }, shared);
}

afterEach(async () => {
  await bench[Symbol.asyncDispose]();
  await bench.model.close();
  await rm(bench.dataDir, { recursive: true, force: true });
});

const create = (more = {}): Promise<string> => bench.create({ agentProfileRef: "warm", ...more });
const warmed = (): unknown[] =>
  bench.logs.flatMap(({ message, detail }) => (message === "a warm sandbox is ready" ? [detail["sandboxId"]] : []));
const sandboxes = (): Promise<string[]> => readdir(join(bench.dataDir, "sandboxes"));

/** Sessions as which the gateway has served somebody. */
const askers = (): Set<unknown> =>
  new Set(bench.logs.flatMap(({ message, detail }) => (message === "gateway request" ? [detail["sessionId"]] : [])));

async function sandboxOf(id: string): Promise<string | undefined> {
  return (await bench.state(id)).runtime.sandbox?.sandboxId;
}

test("a first message takes the sandbox that is ready, which is the session's from then on, and another one is made ready", async () => {
  await start();
  await expect.poll(warmed, READY).toHaveLength(1);
  const id = await create();
  const first = await bench.turn(
    id,
    prompt("one", { tools: [bash("cat given.txt; echo made > made.txt")] }, { text: "A" }),
  );
  expect([said(first), errors(first)]).toEqual([["A"], []]);
  const [warm] = warmed();
  expect(await sandboxOf(id)).toBe(warm);
  expect(first.workspaceFiles.map(({ path }) => path)).toEqual(["given.txt", "made.txt"]);
  expect(first.blocks.find((block) => block.type === "tool_result")).toMatchObject({ content: "given" });
  expect(askers()).toEqual(new Set([id]));
  expect(JSON.stringify(first)).not.toContain(CANARY);

  await expect.poll(warmed, READY).toHaveLength(2);
  const other = await create();
  await bench.turn(other, prompt("other", { tools: [bash("ls")] }, { text: "B" }));
  expect([await sandboxOf(other), await sandboxOf(id)]).toEqual([warmed()[1], warm]);

  expect((await bench.request("POST", `/sessions/${id}/unload`)).status).toBeLessThan(300);
  const again = await bench.turn(id, prompt("two", { tools: [bash("cat made.txt")] }, { text: "C" }));
  expect(said(again)).toEqual(["A", "C"]);
  expect(await sandboxOf(id)).toBe(`${id}-2`);
});

test("a session that is not as the sandbox was made gets one of its own; one that waits for room has the warm one's", async () => {
  await start({ maxSandboxes: 1 });
  await expect.poll(warmed, READY).toHaveLength(1);
  const id = await create({ defaultWorkspaceFiles: [{ path: "given.txt", content: "other" }] });
  const done = await bench.turn(id, prompt("one", { tools: [bash("cat given.txt")] }, { text: "A" }));
  expect(done.blocks.find((block) => block.type === "tool_result")).toMatchObject({ content: "other" });
  expect(await sandboxOf(id)).toBe(`${id}-1`);
  expect(await sandboxes()).toEqual([`${id}-1`]);
});

test("what nobody has claimed ends with the server", async () => {
  await start();
  await expect.poll(warmed, READY).toHaveLength(1);
  expect(await sandboxes()).toEqual(warmed());
  await bench.runtime.shutdown();
  expect(await sandboxes()).toEqual([]);
});

test("one that is still being made when the server stops, and comes all the same, is gone with it", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "warm-"));
  const provider = localSandbox({ dataDir });
  const begun = Promise.withResolvers<void>();
  const stopping = Promise.withResolvers<void>();
  const late: SandboxProvider = {
    ...provider,
    async create(spec, { onProgress }) {
      begun.resolve();
      await stopping.promise;
      return provider.create(spec, { onProgress, signal: new AbortController().signal });
    },
  };
  await start({ sandbox: late }, { dataDir });
  await begun.promise;
  const stopped = bench.runtime.shutdown();
  stopping.resolve();
  await stopped;
  expect(await sandboxes()).toEqual([]);
});
