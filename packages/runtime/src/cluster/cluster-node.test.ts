import { afterEach, expect, test } from "vitest";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { memoryPersistence, sharedMemory, type SharedMemory } from "../persistence/memory/index.ts";
import type { ClusterStore } from "../persistence/session-store.ts";
import { ClusterNode } from "./cluster-node.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };
const folder = mkdtempSync(join(tmpdir(), "cluster-node-"));
const nodes: ClusterNode[] = [];
afterEach(async () => {
  for (const one of nodes.splice(0)) await one.stop();
  rmSync(folder, { recursive: true, force: true });
});

function clusterOf(memory: SharedMemory): ClusterStore {
  const { cluster } = memoryPersistence({ memory }).store;
  if (cluster === undefined) throw new Error("not shared");
  return cluster;
}

interface Given {
  readonly cluster: ClusterStore;
  readonly leaseMs?: number;
  readonly elapsed?: () => number;
  readonly load?: { sandboxes: number; waiting: number; maxSandboxes: number };
}

function node(nodeId: string, { cluster, leaseMs = 60_000, load, ...more }: Given): ClusterNode {
  const made = new ClusterNode({
    nodeId,
    place: "here",
    dataDir: join(folder, nodeId),
    cluster,
    leaseMs,
    pollMs: 100,
    load: () => load ?? { sandboxes: 1, waiting: 2, maxSandboxes: 8 },
    log,
    ...more,
  });
  nodes.push(made);
  return made;
}

const nothing = async (): Promise<void> => undefined;

test("it lives from its start on, knows who else does, and what it gave to others; it goes with its leases", async () => {
  const cluster = clusterOf(sharedMemory());
  const a = node("a", { cluster });
  const b = node("b", { cluster, load: { sandboxes: 3, waiting: 0, maxSandboxes: 8 } });
  expect(a.lapse).toMatchObject({ code: "unavailable" });
  await a.start(nothing);
  expect(a.lapse).toBeUndefined();
  expect(a.others()).toEqual([]);
  await b.start(nothing);
  expect(b.others()).toEqual(["a"]);
  b.gave("a");
  b.gave("a");
  expect(b.nodes()).toEqual([
    { nodeId: "a", place: "here", sandboxes: 1, waiting: 4, maxSandboxes: 8, leaving: false },
    { nodeId: "b", place: "here", sandboxes: 3, waiting: 0, maxSandboxes: 8, leaving: false },
  ]);
  await a.tellLeaving();
  expect(a.nodes().map(({ nodeId, leaving }) => ({ nodeId, leaving }))).toEqual([
    { nodeId: "a", leaving: true },
    { nodeId: "b", leaving: false },
  ]);
  await a.stop();
  expect(a.lapse).toBeDefined();
  const { nodes: left } = await cluster.heartbeat(b.nodes()[1] ?? never(), 1000);
  expect(left.map(({ nodeId }) => nodeId)).toEqual(["b"]);
});

test("by its own clock it never lives longer than the store believes it: from before the heartbeat was sent", async () => {
  let now = 0;
  const cluster = clusterOf(sharedMemory());
  const slow: ClusterStore = {
    ...cluster,
    async heartbeat(...args) {
      const answer = await cluster.heartbeat(...args);
      now += 400;
      return answer;
    },
  };
  const a = node("a", { cluster: slow, leaseMs: 30_000, elapsed: () => now });
  await a.start(nothing);
  now = 29_999;
  expect(a.lapse).toBeUndefined();
  now = 30_000;
  expect(a.lapse).toMatchObject({ code: "unavailable", retryAfter: 30 });
});

test("when it lives again after it counted as gone it says so, and again where that failed", async () => {
  let clock = 0;
  const cluster = clusterOf(sharedMemory({ now: () => clock }));
  let failures = 1;
  let returns = 0;
  const a = node("a", { cluster, leaseMs: 600 });
  await a.start(async () => {
    returns += 1;
    if (failures-- > 0) throw new Error("the store does not answer");
  });
  expect(returns).toBe(0);
  clock = 1_000_000;
  await expect.poll(() => returns).toBe(2);
  await expect.poll(() => a.lapse).toBeUndefined();
});

test("it takes nothing until it has looked what others took, also when the answer that said so was lost", async () => {
  let clock = 0;
  let now = 0;
  const cluster = clusterOf(sharedMemory({ now: () => clock }));
  let calls = 0;
  const losing: ClusterStore = {
    ...cluster,
    async heartbeat(...args) {
      calls += 1;
      if (calls !== 2) return cluster.heartbeat(...args);
      clock = now = 1000;
      expect(await cluster.heartbeat(...args)).toMatchObject({ lapsed: true });
      throw new Error("the connection was lost");
    },
  };
  const looked = Promise.withResolvers<void>();
  let returns = 0;
  const a = node("a", { cluster: losing, leaseMs: 600, elapsed: () => now });
  await a.start(async () => {
    returns += 1;
    await looked.promise;
  });
  await expect.poll(() => returns).toBe(1);
  expect(a.lapse).toMatchObject({ code: "unavailable" });
  looked.resolve();
  await expect.poll(() => a.lapse).toBeUndefined();
  expect(returns).toBe(1);
});

test("a heartbeat that hangs does not keep the next ones back", async () => {
  const cluster = clusterOf(sharedMemory());
  let calls = 0;
  const hanging: ClusterStore = {
    ...cluster,
    heartbeat: (...args) => ((calls += 1) === 2 ? new Promise(() => undefined) : cluster.heartbeat(...args)),
  };
  const a = node("a", { cluster: hanging, leaseMs: 900 });
  await a.start(nothing);
  await expect.poll(() => calls).toBeGreaterThan(3);
  expect(a.lapse).toBeUndefined();
});

test("it retires nodes whose process ended without a word, and no others", async () => {
  const cluster = clusterOf(sharedMemory());
  const left: string[] = [];
  const watched: ClusterStore = {
    ...cluster,
    async leave(nodeId) {
      left.push(nodeId);
      await cluster.leave(nodeId);
    },
  };
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  const ended = { nodeId: "ended", host: hostname(), pid: child.pid, started: "" };
  mkdirSync(join(folder, "a", "nodes"), { recursive: true });
  writeFileSync(join(folder, "a", "nodes", "ended.json"), JSON.stringify(ended));
  const a = node("a", { cluster: watched });
  await a.start(nothing);
  expect(left).toEqual(["ended"]);
  // The same process again, in the same data directory: it lives.
  const b = new ClusterNode({ ...base(watched), nodeId: "b", dataDir: join(folder, "a") });
  nodes.push(b);
  await b.start(nothing);
  expect(left).toEqual(["ended"]);
});

function base(cluster: ClusterStore) {
  const load = () => ({ sandboxes: 0, waiting: 0, maxSandboxes: 1 });
  return { place: "here", cluster, leaseMs: 60_000, pollMs: 100, load, log };
}

function never(): never {
  throw new Error("there is none");
}
