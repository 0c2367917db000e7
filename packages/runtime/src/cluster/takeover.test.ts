import type { PersistedSessionListData, StoredSandbox } from "@hhopkins/agent-runtime-protocol";
import { afterEach, expect, test } from "vitest";
import { memoryPersistence, sharedMemory } from "../persistence/memory/index.ts";
import type { ClusterStore, SessionKey, SessionStore } from "../persistence/session-store.ts";
import { ClusterNode } from "./cluster-node.ts";
import { Takeover } from "./takeover.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

interface Bench {
  readonly store: SessionStore;
  readonly cluster: ClusterStore;
  /** A session with a sandbox in `place`, which nobody runs. */
  session(sessionId: string, place?: string): Promise<SessionKey>;
}

function bench(): Bench {
  const { store } = memoryPersistence({ memory: sharedMemory() });
  const { cluster } = store;
  if (cluster === undefined) throw new Error("not shared");
  return {
    store,
    cluster,
    async session(sessionId, place = "here") {
      const key = { tenant: "default", sessionId };
      const record: PersistedSessionListData = {
        sessionId,
        type: "claude-agent-sdk",
        agentProfileReference: "default",
        createdAt: "2026-11-22T00:00:00.000Z",
      };
      const sandbox: StoredSandbox = { provider: "p", generation: 1, ref: null, token: "t", started: true, place };
      const first = { events: [], sandbox };
      await store.create({ ...key, record, logId: `log-${sessionId}`, first });
      return key;
    },
  };
}

interface NodeGiven {
  readonly nodeId: string;
  readonly place?: string;
  readonly sandboxes?: number;
  readonly wake?: { now?: () => void };
  /** A session that it cannot take, the first time. */
  readonly fails?: string;
}

/** A node that takes over; what it has taken. */
async function taker({ cluster }: Bench, { nodeId, place = "here", sandboxes = 0, wake, fails }: NodeGiven) {
  const taken: string[] = [];
  const failed = new Set<string>();
  const node = new ClusterNode({
    nodeId,
    place,
    dataDir: "/nonexistent/takeover",
    cluster,
    leaseMs: 3000,
    pollMs: 100,
    load: () => ({ sandboxes: sandboxes + taken.length, waiting: 0, maxSandboxes: 100 }),
    log,
  });
  const takeover = new Takeover({
    node,
    notes:
      wake === undefined
        ? undefined
        : {
            leaseFreed() {},
            onLeaseFreed(listener) {
              wake.now = listener;
              return () => undefined;
            },
          },
    adopt: async (key) => {
      if (key.sessionId === fails && !failed.has(fails)) {
        failed.add(fails);
        throw new Error("its provider does not answer");
      }
      const lease = await cluster.claim(key, nodeId);
      if (lease.nodeId === nodeId) taken.push(key.sessionId);
    },
    log,
    random: Math.random,
  });
  await node.start(async () => undefined);
  stops.push(async () => {
    await takeover.stop();
    await node.stop();
  });
  return { node, takeover, taken };
}

test("a node alone has everything when its start ends", async () => {
  const scene = bench();
  for (let index = 0; index < 450; index += 1) await scene.session(`s${index}`);
  const { takeover, taken } = await taker(scene, { nodeId: "a" });
  await takeover.start();
  expect(taken).toHaveLength(450);
});

test("several nodes share what a dead one leaves: each session once, and more for who has more room", async () => {
  const scene = bench();
  await scene.cluster.heartbeat(
    { nodeId: "dead", place: "here", sandboxes: 0, waiting: 0, maxSandboxes: 1, leaving: false },
    60_000,
  );
  const keys = await Promise.all(Array.from({ length: 60 }, (_one, index) => scene.session(`s${index}`)));
  for (const key of keys) await scene.cluster.claim(key, "dead");
  const all = await Promise.all([
    taker(scene, { nodeId: "a" }),
    taker(scene, { nodeId: "b" }),
    taker(scene, { nodeId: "full", sandboxes: 99 }),
  ]);
  await Promise.all(all.map(({ takeover }) => takeover.start()));
  expect(all.flatMap(({ taken }) => taken)).toEqual([]);
  await scene.cluster.leave("dead");
  await expect.poll(() => all.flatMap(({ taken }) => taken).length).toBe(60);
  const [a, b, full] = all.map(({ taken }) => taken.length);
  expect(a).toBeGreaterThan(0);
  expect(b).toBeGreaterThan(0);
  expect(full).toBeLessThanOrEqual(Math.max(a ?? 0, b ?? 0));
});

test("a sandbox on another host is left to the nodes there; once none lives there the session is taken all the same", async () => {
  const scene = bench();
  const there = await taker(scene, { nodeId: "there", place: "there" });
  await scene.session("s1", "there");
  const wake: { now?: () => void } = {};
  const here = await taker(scene, { nodeId: "here", wake });
  await here.takeover.start();
  expect(here.taken).toEqual([]);
  await there.node.stop();
  // What it knows of others is as old as its last heartbeat.
  await here.node.tellLeaving();
  wake.now?.();
  expect(here.taken).toEqual([]);
  const next = await taker(scene, { nodeId: "next" });
  await next.takeover.start();
  expect(next.taken).toEqual(["s1"]);
});

test("a session that was handed over is taken at a note, without waiting for the next look", async () => {
  const scene = bench();
  const wake: { now?: () => void } = {};
  const { takeover, taken } = await taker(scene, { nodeId: "a", wake });
  await takeover.start();
  await scene.session("s1");
  wake.now?.();
  await expect.poll(() => taken, { interval: 5 }).toEqual(["s1"]);
});

test("one session that cannot be taken keeps neither the start back nor the others; it is tried again", async () => {
  const scene = bench();
  await scene.session("s1");
  await scene.session("s2");
  const { takeover, taken } = await taker(scene, { nodeId: "a", fails: "s1" });
  await takeover.start();
  expect(taken).toEqual(["s2"]);
  await expect.poll(() => taken).toEqual(["s2", "s1"]);
});
