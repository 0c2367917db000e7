import { RuntimeError, type ClusterStore } from "@hhopkins/agent-runtime-protocol";
import { afterEach, describe, expect, test, vi } from "vitest";
import { MemoryBus } from "../bus/testing/memory-bus.ts";
import { memoryPersistence, sharedMemory, type SharedMemory } from "../persistence/memory/index.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import { CommandExecutor, type RunMethod } from "./command-executor.ts";
import { NodeNotes } from "./node-notes.ts";
import { NoAnswer, RemoteCommands } from "./remote-commands.ts";
import { RunsElsewhere } from "./runs-elsewhere.ts";

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const LEASE_MS = 600_000;
const RECORD = { type: "claude-agent-sdk", agentProfileReference: "default", createdAt: "2026-01-01T00:00:00.000Z" };
type Done = [string, unknown];

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
});

interface Options {
  readonly memory: SharedMemory;
  readonly nodeId: string;
  readonly run?: (...done: [SessionKey, ...Done]) => unknown;
  readonly bus?: MemoryBus;
  readonly leaseMs?: number;
  readonly cluster?: (cluster: ClusterStore) => ClusterStore;
}

/** One node's commands, both ways, over a memory that the nodes share. */
async function node({ memory, nodeId, run = () => null, bus, leaseMs = 2_000, cluster: changed }: Options) {
  const store = memoryPersistence({ memory }).store;
  const real = store.cluster;
  if (real === undefined) throw new Error("the memory is no cluster");
  const cluster = changed?.(real) ?? real;
  const record = { nodeId, place: "here", sandboxes: 0, waiting: 0, maxSandboxes: 1, leaving: false };
  await real.heartbeat(record, LEASE_MS);
  const notes = new NodeNotes({ nodeId, bus: bus?.end(), hasOthers: () => true, log: SILENT });
  const shared = { nodeId, cluster, notes, pollMs: bus === undefined ? 5 : 600_000, log: SILENT };
  const remote = new RemoteCommands({ ...shared, leaseMs });
  const done: Done[] = [];
  const runs = async (key: SessionKey, method: string, body: unknown): Promise<unknown> => {
    done.push([method, body]);
    return run(key, method, body);
  };
  const executor = new CommandExecutor({ ...shared, run: runs as RunMethod, onOwnAnswer: () => remote.fetch() });
  await notes.start();
  remote.start();
  executor.start();
  const stop = async (): Promise<void> => {
    await executor.stop();
    await remote.stop();
    await notes.stop();
  };
  running.push(stop);
  return { store, cluster: real, remote, executor, done, stop };
}

async function session(store: ReturnType<typeof memoryPersistence>["store"], sessionId = "s1"): Promise<SessionKey> {
  const key = { tenant: "default", sessionId };
  await store.create({ ...key, record: { ...RECORD, sessionId }, logId: "log", first: { events: [] } });
  return key;
}

const message = { content: "hello", messageId: "m1" };
const answered = { success: true as const, sessionId: "s1", messageId: "m1", position: 2 };

describe.each([
  ["by polling", false],
  ["over a bus", true],
])("%s", (_name, hasBus) => {
  const scene = async (run: Options["run"]) => {
    const memory = sharedMemory();
    const bus = hasBus ? { bus: new MemoryBus() } : {};
    const a = await node({ memory, nodeId: "a", ...(run === undefined ? {} : { run }), ...bus });
    const b = await node({ memory, nodeId: "b", ...bus });
    const key = await session(a.store);
    await a.cluster.claim(key, "a");
    return { a, b, key, memory };
  };

  test("what is asked of another node's session is done there, and its answer comes back", async () => {
    const { a, b, key, memory } = await scene(() => answered);
    const before = memory.size;
    expect(await b.remote.ask({ key, method: "send", body: message, nodeId: "a" })).toEqual(answered);
    expect(a.done).toEqual([["send", message]]);
    await vi.waitUntil(() => memory.size === before);
  });

  test("a refusal comes back as it is: code, message, field, issues, when to try again", async () => {
    const issues = [{ field: "body.messageId", message: "was used" }];
    const refusal = new RuntimeError("conflict", "m1 was used.", { field: "body.messageId", issues, retryAfter: 3 });
    const { b, key } = await scene(() => Promise.reject(refusal));
    const asked = b.remote.ask({ key, method: "updateMessage", body: { messageId: "m1", content: "x" }, nodeId: "a" });
    const error = await asked.catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(RuntimeError);
    expect(error).toMatchObject({
      code: "conflict",
      message: "m1 was used.",
      field: "body.messageId",
      issues,
      retryAfter: 3,
    });
  });
});

test("more commands than are taken at once are all done, without waiting for the next poll", async () => {
  const memory = sharedMemory();
  const bus = new MemoryBus();
  const a = await node({ memory, nodeId: "a", bus });
  const b = await node({ memory, nodeId: "b", bus });
  const keys = await Promise.all(Array.from({ length: 200 }, (_unused, index) => session(a.store, `s${index}`)));
  for (const key of keys) await a.cluster.claim(key, "a");
  bus.isLossy = true;
  const asked = keys.map((key) => b.remote.ask({ key, method: "interrupt", body: {}, nodeId: "a" }));
  await vi.waitUntil(async () => (await a.cluster.waiting("a", 300)).length === 200);
  bus.isLossy = false;
  a.executor.look();
  await Promise.all(asked);
  expect(a.done).toHaveLength(200);
});

test("bodies and methods are looked at again where they arrive", async () => {
  const memory = sharedMemory();
  const a = await node({ memory, nodeId: "a" });
  const key = await session(a.store);
  await a.cluster.claim(key, "a");
  const odd = [
    ["send", { content: "" }],
    ["interrupt", { extra: true }],
    ["nonsense", {}],
  ] as const;
  const commands = odd.map(([method, body], index) => ({ ...key, id: `b.${index}`, from: "b", method, body }));
  await Promise.all(commands.map((command) => a.cluster.send(command)));
  await vi.waitUntil(async () => (await a.cluster.waiting("a", 10)).length === 0);
  const answers = await a.cluster.answers(commands.map(({ id }) => id));
  expect(answers).toMatchObject([
    { ok: false, error: { code: "invalid_request", field: "body.content" } },
    { ok: false, error: { code: "invalid_request", field: "body.extra" } },
    { ok: false, error: { code: "not_supported" } },
  ]);
  expect(a.done).toEqual([]);
});

test("an answer that this version does not know is no answer", async () => {
  const memory = sharedMemory();
  const a = await node({ memory, nodeId: "a", run: () => ({ success: "maybe" }) });
  const b = await node({ memory, nodeId: "b" });
  const key = await session(a.store);
  await a.cluster.claim(key, "a");
  const asked = b.remote.ask({ key, method: "send", body: message, nodeId: "a" });
  await expect(asked).rejects.toMatchObject({ code: "protocol_error" });
});

test("a session's commands are done in order, sessions side by side, and nothing waits for what takes long", async () => {
  const memory = sharedMemory();
  const gates = new Map(["slow", "sync"].map((name) => [name, Promise.withResolvers<null>()]));
  const run = (key: SessionKey, method: string): unknown =>
    key.sessionId === "slow" ? gates.get("slow")?.promise : method === "sync" ? gates.get("sync")?.promise : null;
  const a = await node({ memory, nodeId: "a", run });
  const b = await node({ memory, nodeId: "b" });
  const [slow, quick] = [await session(a.store, "slow"), await session(a.store, "quick")];
  for (const key of [slow, quick]) await a.cluster.claim(key, "a");
  const options = (model: string) => ({ method: "updateOptions" as const, body: { model }, nodeId: "a" });
  const first = b.remote.ask({ key: slow, ...options("first") });
  const second = b.remote.ask({ key: slow, ...options("second") });
  const long = b.remote.ask({ key: quick, method: "sync", body: {}, nodeId: "a" });
  await b.remote.ask({ key: quick, ...options("other") });
  // The other session went on, past its own sync; of this one only the first was begun.
  expect(a.done).toEqual([
    ["updateOptions", { model: "first" }],
    ["sync", {}],
    ["updateOptions", { model: "other" }],
  ]);
  for (const { resolve } of gates.values()) resolve(null);
  await Promise.all([first, second, long]);
  expect(a.done.at(-1)).toEqual(["updateOptions", { model: "second" }]);
});

test.each(["stale_fence", "shutting_down"] as const)(
  "what a node cannot do any more (%s) is done by the one that has the session next",
  async (code) => {
    const memory = sharedMemory();
    const a = await node({ memory, nodeId: "a", run: () => Promise.reject(new RuntimeError(code, "Not here.")) });
    const b = await node({ memory, nodeId: "b", run: () => answered });
    const c = await node({ memory, nodeId: "c" });
    const key = await session(a.store);
    const lease = await a.cluster.claim(key, "a");
    const asked = c.remote.ask({ key, method: "send", body: message, nodeId: "a" });
    await vi.waitUntil(() => a.done.length > 0);
    await a.stop();
    await a.cluster.release(key, lease);
    // Somebody should run it: a message waits.
    expect(await b.cluster.abandoned(10)).toMatchObject([key]);
    await b.cluster.claim(key, "b");
    expect(await asked).toEqual(answered);
  },
);

test("the node that asked can be the one that has the session next, and answers itself", async () => {
  const memory = sharedMemory();
  const bus = new MemoryBus();
  const b = await node({ memory, nodeId: "b", run: () => answered, bus });
  const key = await session(b.store);
  const asked = b.remote.ask({ key, method: "send", body: message, nodeId: "dead" });
  await b.cluster.claim(key, "b");
  b.executor.look();
  expect(await asked).toEqual(answered);
});

test("a message that cannot be taken yet is kept and tried again; anything else is refused at once", async () => {
  const memory = sharedMemory();
  let isDown = true;
  const run = (): unknown =>
    isDown ? Promise.reject(new RuntimeError("persistence_unavailable", "The store is down.")) : answered;
  const a = await node({ memory, nodeId: "a", run });
  const b = await node({ memory, nodeId: "b", leaseMs: 60_000 });
  const key = await session(a.store);
  await a.cluster.claim(key, "a");
  const sent = b.remote.ask({ key, method: "send", body: message, nodeId: "a" });
  const other = b.remote.ask({ key, method: "interrupt", body: {}, nodeId: "a" });
  await expect(other).rejects.toMatchObject({ code: "persistence_unavailable" });
  await vi.waitUntil(() => a.done.filter(([method]) => method === "send").length > 2);
  isDown = false;
  expect(await sent).toEqual(answered);
});

test("an answer that the store did not take is given again, and what was asked is not done again", async () => {
  const memory = sharedMemory();
  let failures = 3;
  const cluster = (real: ClusterStore): ClusterStore =>
    new Proxy(real, {
      get: (target, name) => {
        if (name === "answer" && failures > 0) {
          failures -= 1;
          return () => Promise.reject(new RuntimeError("persistence_unavailable", "Down."));
        }
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  const a = await node({ memory, nodeId: "a", cluster });
  const b = await node({ memory, nodeId: "b" });
  const key = await session(a.store);
  await a.cluster.claim(key, "a");
  await b.remote.ask({ key, method: "interrupt", body: {}, nodeId: "a" });
  expect([a.done, failures]).toEqual([[["interrupt", {}]], 0]);
});

test("a command that is answered while it is looked for is not done again", async () => {
  const memory = sharedMemory();
  const looks: (() => void)[] = [];
  // Each answer to a look is as old as the look.
  const cluster = (real: ClusterStore): ClusterStore =>
    new Proxy(real, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        if (name !== "waiting" || looks.length === 0) return value.bind(target);
        return async (...given: unknown[]) => {
          const found: unknown = await value.apply(target, given);
          await new Promise<void>((resolve) => looks.push(resolve));
          return found;
        };
      },
    });
  const bus = new MemoryBus();
  const gate = Promise.withResolvers<null>();
  const a = await node({ memory, nodeId: "a", bus, cluster, run: () => gate.promise });
  const key = await session(a.store);
  await a.cluster.claim(key, "a");
  await a.cluster.send({ ...key, id: "b.1", from: "b", method: "unload", body: {} });
  a.executor.look();
  await vi.waitUntil(() => a.done.length === 1);
  looks.push(() => {});
  a.executor.look();
  await vi.waitUntil(() => looks.length === 2);
  gate.resolve(null);
  await vi.waitUntil(async () => (await a.cluster.answers(["b.1"]))[0] !== null);
  await a.executor.idle();
  looks.splice(0)[1]?.();
  a.executor.look();
  await a.executor.stop();
  await a.executor.idle();
  expect(a.done).toEqual([["unload", {}]]);
});

test("an unload that the session's last node has done is not done again by the next one", async () => {
  const memory = sharedMemory();
  const gate = Promise.withResolvers<null>();
  const a = await node({ memory, nodeId: "a", run: () => gate.promise });
  const key = await session(a.store);
  await a.cluster.claim(key, "a");
  await a.cluster.send({ ...key, id: "b.1", from: "b", method: "interrupt", body: {} });
  await a.cluster.send({ ...key, id: "b.2", from: "b", method: "unload", body: {} });
  await vi.waitUntil(() => a.done.length === 1);
  await a.cluster.answer("b.2", { ok: true, data: null });
  gate.resolve(null);
  await vi.waitUntil(async () => (await a.cluster.answers(["b.1"]))[0] !== null);
  await a.executor.idle();
  expect(a.done).toEqual([["interrupt", {}]]);
});

test("without an answer in time: a message waits on, anything else is never done", async () => {
  let now = 0;
  const memory = sharedMemory({ now: () => now });
  const b = await node({ memory, nodeId: "b", leaseMs: 10 });
  const key = await session(b.store);
  await b.cluster.claim(key, "b");
  await b.executor.stop();
  const sent = b.remote.ask({ key, method: "send", body: message, nodeId: "gone" });
  await expect(sent).rejects.toBeInstanceOf(NoAnswer);
  await expect(sent).rejects.toMatchObject({ code: "unavailable", retryAfter: 2 });
  void b.remote.ask({ key, method: "interrupt", body: {}, nodeId: "gone" }).catch(() => undefined);
  await vi.waitUntil(async () => (await b.cluster.waiting("b", 10)).length === 2);
  now = 10_000;
  expect((await b.cluster.waiting("b", 10)).map(({ method }) => method)).toEqual(["send"]);
});

test("a node that ends leaves nobody waiting", async () => {
  const memory = sharedMemory();
  const b = await node({ memory, nodeId: "b", leaseMs: 600_000 });
  const key = await session(b.store);
  const asked = b.remote.ask({ key, method: "sync", body: {}, nodeId: "gone" });
  const refused = expect(asked).rejects.toBeInstanceOf(NoAnswer);
  await vi.waitUntil(async () => (await b.cluster.abandoned(10)).length === 1);
  await b.stop();
  await refused;
  await expect(b.remote.ask({ key, method: "sync", body: {}, nodeId: "a" })).rejects.toMatchObject({
    code: "shutting_down",
  });
});

test("a session that moves on from here (RunsElsewhere) is left to its next node", async () => {
  const memory = sharedMemory();
  const key = { tenant: "default", sessionId: "s1" };
  const lease = { nodeId: "b", fence: 2 };
  const a = await node({ memory, nodeId: "a", run: () => Promise.reject(new RunsElsewhere(key, lease)) });
  await session(a.store);
  await a.cluster.claim(key, "a");
  await a.cluster.send({ ...key, id: "c.1", from: "c", method: "interrupt", body: {} });
  await vi.waitUntil(() => a.done.length > 1);
  expect(await a.cluster.answers(["c.1"])).toEqual([null]);
});
