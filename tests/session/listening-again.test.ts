import { RuntimeError, type Sandbox, type SandboxProvider } from "@hhopkins/agent-runtime";
import { sharedMemory, type SharedMemory } from "@hhopkins/agent-runtime/persistence/memory";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { mutedPersistence } from "../testing/muted-persistence.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { errors, said, startRuntime } from "../testing/runtime-under-test.ts";

// A server that could not listen to a sandbox, or let go of it just then, can listen to it later.

const POLL = { timeout: 60_000, interval: 20 };

let folder: string;
let model: ScriptedModel;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
  model = await startScriptedModel();
});
afterEach(async () => {
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

/** The real provider; each sandbox that it gives is changed before anybody else has it. `signal`: of the start of a new one. */
function changed(dataDir: string, change: (sandbox: Sandbox, signal?: AbortSignal) => void): SandboxProvider {
  const local = localSandbox({ dataDir });
  return {
    ...local,
    async create(spec, options) {
      const sandbox = await local.create(spec, options);
      change(sandbox, options.signal);
      return sandbox;
    },
    async attach(ref) {
      const sandbox = await local.attach(ref);
      if (sandbox !== null) change(sandbox);
      return sandbox;
    },
  };
}

/** Sandboxes whose runner is listened to only after `before`. */
function listensAfter(dataDir: string, before: () => Promise<void>): SandboxProvider {
  return changed(dataDir, (sandbox) => {
    const accept = sandbox.accept.bind(sandbox);
    sandbox.accept = async (channel, onStream) => {
      if (channel === "runner") await before();
      return accept(channel, onStream);
    };
  });
}

/** A turn that waits for somebody outside to put a file there. */
const WAITS = prompt(
  "wait",
  { tools: [bash("printf begun > begun; while [ ! -e go ]; do sleep 0.05; done")] },
  { text: "done waiting" },
);
const letGoOn = (dataDir: string, id: string): Promise<void> =>
  writeFile(join(dataDir, "sandboxes", `${id}-1`, "workspace", "go"), "");
const isOver = ({ turn, queue }: { turn: unknown; queue: readonly unknown[] }): boolean =>
  turn === null && queue.length === 0;

test("where a sandbox cannot be listened to at once after a restart, it is listened to later, and its turn goes on", async () => {
  const shared = { dataDir: folder, model };
  const first = await startRuntime({ sandbox: localSandbox({ dataDir: folder }) }, shared);
  const id = await first.create();
  await first.send(id, WAITS);
  await first.until(id, ({ workspaceFiles }) => workspaceFiles.some(({ path }) => path === "begun"));
  await first.runtime.shutdown();
  let failures = 1;
  const sandbox = listensAfter(folder, async () => {
    if (failures === 0) return;
    failures -= 1;
    throw new RuntimeError("sandbox_unavailable", "There is no room for one more socket.");
  });
  await using second = await startRuntime({ sandbox }, shared);
  await letGoOn(folder, id);
  const done = await second.until(id, isOver);
  expect(said(done)).toEqual(["done waiting"]);
  expect(done.runtime.sandbox).toMatchObject({ sandboxId: `${id}-1`, status: "ready", restartCount: 0 });
}, 120_000);

/** One of several servers, whose heartbeats can be kept from the store. */
async function node(memory: SharedMemory, { dataDir, sandbox }: { dataDir: string; sandbox: SandboxProvider }) {
  const { persistence, mute } = mutedPersistence(memory);
  const bench = await startRuntime({ persistence, cluster: { leaseMs: 1000 }, sandbox }, { dataDir, model });
  return { bench, mute };
}

test("a server that lets go of a session while it begins to listen to its new sandbox can take it over later", async () => {
  const memory = sharedMemory();
  const [dataDir, other] = [join(folder, "a"), join(folder, "b")];
  const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const waits = (): Promise<void> => {
    asked.resolve();
    return gate.promise;
  };
  const a = await node(memory, { dataDir, sandbox: listensAfter(dataDir, waits) });
  await using _a = a.bench;
  const id = await a.bench.create();
  await a.bench.send(id, WAITS);
  await asked.promise;
  const b = await node(memory, { dataDir: other, sandbox: localSandbox({ dataDir: other }) });
  a.mute(true);
  await b.bench.until(id, ({ workspaceFiles }) => workspaceFiles.some(({ path }) => path === "begun"));
  a.mute(false);
  const letGo = { level: "warn", message: "another server runs a session that this one had; it is let go" };
  await expect.poll(() => a.bench.logs, POLL).toContainEqual(expect.objectContaining(letGo));
  gate.resolve();
  await b.bench.runtime.shutdown();
  await letGoOn(dataDir, id);
  const done = await a.bench.until(id, isOver);
  expect(said(done)).toEqual(["done waiting"]);
  expect(done.runtime.sandbox).toMatchObject({ sandboxId: `${id}-1`, status: "ready", restartCount: 0 });
}, 120_000);

test("a sandbox that is listened to only when its time is over, and whose runner says nothing, is given up", async () => {
  const sandbox = changed(folder, (created, signal) => {
    const accept = created.accept.bind(created);
    created.accept = async (channel) => {
      if (channel === "runner" && signal?.aborted === false) await once(signal, "abort");
      return accept(channel, (stream) => void stream.destroy());
    };
  });
  await using bench = await startRuntime({ sandbox, sandboxStartTimeoutMs: 1500 }, { dataDir: folder, model });
  const id = await bench.create();
  const failed = await bench.turn(id, prompt("first", { text: "never" }));
  expect(errors(failed)).toEqual(["sandbox_unavailable"]);
  expect(failed.runtime.sandbox?.statusMessage).toMatch(/in time/);
  // Where the machine had so much to do that it was not even there in time, it is ended as it comes.
  await expect.poll(() => sandbox.list({ deployment: "default" }), POLL).toEqual([]);
}, 120_000);
