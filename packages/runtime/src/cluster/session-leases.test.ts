import type { NodeRecord, PersistedSessionListData, StoredSandbox } from "@hhopkins/agent-runtime-protocol";
import { afterEach, expect, test } from "vitest";
import { memoryPersistence, sharedMemory } from "../persistence/memory/index.ts";
import type { ClusterStore, SessionKey, SessionStore } from "../persistence/session-store.ts";
import { ClusterNode, type NodeLoad } from "./cluster-node.ts";
import { SessionLeases } from "./session-leases.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };
const nodes: ClusterNode[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.stop();
});

interface Scene {
  readonly store: SessionStore;
  readonly cluster: ClusterStore;
  readonly leases: SessionLeases;
  /** Of the node whose leases these are. */
  readonly load: { -readonly [K in keyof NodeLoad]: NodeLoad[K] };
  /** Milliseconds by the node's own clock. */
  later(ms: number): void;
  other(nodeId: string, more?: Partial<NodeRecord>): Promise<void>;
  session(sandbox?: { place: string }): Promise<SessionKey>;
}

async function scene(maxWaiting = 0): Promise<Scene> {
  const { store } = memoryPersistence({ memory: sharedMemory() });
  const { cluster } = store;
  if (cluster === undefined) throw new Error("not shared");
  const load = { sandboxes: 0, waiting: 0, maxSandboxes: 1 };
  let elapsed = 0;
  const node = new ClusterNode({
    nodeId: "self",
    place: "here",
    dataDir: "/nonexistent/session-leases",
    cluster,
    leaseMs: 60_000,
    pollMs: 100,
    load: () => load,
    log,
    elapsed: () => elapsed,
  });
  nodes.push(node);
  await node.start(async () => undefined);
  let sessions = 0;
  return {
    store,
    cluster,
    leases: new SessionLeases({ store, node, maxWaiting }),
    load,
    later: (ms) => void (elapsed += ms),
    async other(nodeId, more = {}) {
      const record = { nodeId, place: "here", sandboxes: 0, waiting: 0, maxSandboxes: 1, leaving: false, ...more };
      await cluster.heartbeat(record, 60_000);
      elapsed += 300;
      await node.refresh();
    },
    async session(at) {
      const key = { tenant: "default", sessionId: `s${(sessions += 1)}` };
      const record: PersistedSessionListData = {
        sessionId: key.sessionId,
        type: "claude-agent-sdk",
        agentProfileReference: "default",
        createdAt: "2026-11-22T00:00:00.000Z",
      };
      const sandbox: StoredSandbox = { provider: "p", generation: 1, ref: null, token: "t", started: true, ...at };
      const first = { events: [], ...(at === undefined ? {} : { sandbox }) };
      await store.create({ ...key, record, logId: `log-${key.sessionId}`, first });
      return key;
    },
  };
}

test("what nobody runs is this node's, again the same lease, until it is given back", async () => {
  const { leases, cluster, session } = await scene();
  const key = await session();
  const lease = await leases.take(key);
  expect(lease).toEqual({ nodeId: "self", fence: 1 });
  expect(await leases.take(key)).toEqual(lease);
  expect(await leases.holds(key, lease)).toBe(true);
  expect([...(await leases.all())]).toEqual([[`default\0${key.sessionId}`, 1]]);
  await leases.giveBack(key, lease);
  expect(await leases.holds(key, lease)).toBe(false);
  expect(await cluster.lease(key)).toBe(null);
});

test("what another one runs is refused with who it is; a lease that went and came back is another one", async () => {
  const { leases, cluster, session, other } = await scene();
  const key = await session();
  const lease = await leases.take(key);
  await other("b");
  await leases.giveBack(key, lease);
  await cluster.claim(key, "b");
  await expect(leases.take(key)).rejects.toMatchObject({ code: "stale_fence", lease: { nodeId: "b", fence: 3 } });
  expect(await leases.holds(key, lease)).toBe(false);
  await cluster.leave("b");
  expect(await leases.take(key)).toEqual({ nodeId: "self", fence: 4 });
  expect(await leases.holds(key, lease)).toBe(false);
});

test("a sandbox is had where there is room, and only for what needs one", async () => {
  const { leases, cluster, session, other, load } = await scene();
  await other("b");
  load.sandboxes = 1;
  const key = await session();
  await expect(leases.take(key, { needsSandbox: true })).rejects.toMatchObject({ lease: { nodeId: "b", fence: 1 } });
  expect(await cluster.lease(key)).toEqual({ nodeId: "b", fence: 1 });
  expect(await leases.take(await session())).toMatchObject({ nodeId: "self" });
  expect(await leases.take(await session(), { needsSandbox: true, here: true })).toMatchObject({ nodeId: "self" });
});

test("where all are full it is asked once more before it is refused, and nothing is claimed", async () => {
  const { leases, cluster, session, other, load, later } = await scene();
  await other("b", { sandboxes: 1 });
  load.sandboxes = 1;
  const key = await session();
  await expect(leases.take(key, { needsSandbox: true })).rejects.toMatchObject({ code: "unavailable", retryAfter: 5 });
  expect(await cluster.lease(key)).toBe(null);
  // Not known here yet.
  await cluster.heartbeat(
    { nodeId: "b", place: "here", sandboxes: 0, waiting: 0, maxSandboxes: 1, leaving: false },
    60_000,
  );
  later(300);
  await expect(leases.take(key, { needsSandbox: true })).rejects.toMatchObject({ lease: { nodeId: "b" } });
});

test("a node that has just ended is no choice: it is this one's then", async () => {
  const { leases, cluster, session, other, load } = await scene();
  await other("b");
  load.sandboxes = 1;
  await cluster.leave("b");
  expect(await leases.take(await session(), { needsSandbox: true })).toMatchObject({ nodeId: "self" });
});

test("a sandbox that this node cannot reach goes to one that can; where there is none, to this one", async () => {
  const { leases, session, other } = await scene();
  await other("there", { place: "there" });
  await expect(leases.take(await session({ place: "there" }))).rejects.toMatchObject({ lease: { nodeId: "there" } });
  expect(await leases.take(await session({ place: "here" }))).toMatchObject({ nodeId: "self" });
  expect(await leases.take(await session({ place: "a third one" }))).toMatchObject({ nodeId: expect.any(String) });
});

test("a node that lapsed takes nothing, and says when to come again", async () => {
  const { leases, session, later } = await scene();
  const key = await session();
  later(60_000);
  await expect(leases.take(key)).rejects.toMatchObject({ code: "unavailable", retryAfter: 60 });
});

test("without other servers there are no leases", async () => {
  const { store } = memoryPersistence();
  const leases = new SessionLeases({ store, node: undefined, maxWaiting: 0 });
  const key = { tenant: "default", sessionId: "s" };
  expect(await leases.take(key, { needsSandbox: true })).toBeUndefined();
  expect(await leases.holds(key, undefined)).toBe(true);
  expect(await leases.all()).toEqual(new Map());
  await leases.giveBack(key, undefined);
});
