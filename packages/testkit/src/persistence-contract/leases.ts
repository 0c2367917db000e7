import assert from "node:assert/strict";
import type { SessionKey } from "@hhopkins/agent-runtime-protocol";
import { die, live, LONG_MS, node, openCluster, shared, until } from "./cluster-scene.ts";
import { append, change, createSession, delta, key, sandbox, status } from "./samples.ts";
import { assertCode, assertRejects, needed, type PersistenceCase } from "./subject.ts";

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `node-${index}`);

const byTenant = (a: SessionKey, b: SessionKey): number =>
  `${a.tenant}/${a.sessionId}` < `${b.tenant}/${b.sessionId}` ? -1 : 1;

export const leaseCases: Record<string, PersistenceCase> = {
  "nodes: who says that it lives is seen as it said, until it leaves or its time is over": async (subject) => {
    const { cluster, other } = await openCluster(subject);
    const busy = node("busy", { place: "elsewhere", sandboxes: 3, waiting: 2, maxSandboxes: 4, leaving: true });
    assert.deepEqual(await cluster.heartbeat(busy, LONG_MS), { lapsed: true, nodes: [busy] });
    const idle = { ...busy, sandboxes: 0, leaving: false };
    assert.deepEqual(await other.cluster.heartbeat(idle, LONG_MS), { lapsed: false, nodes: [idle] });
    const { lapsed, nodes } = await other.cluster.heartbeat(node("b"), LONG_MS);
    assert.equal(lapsed, true);
    assert.deepEqual(
      nodes.toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1)),
      [node("b"), idle],
    );
    await cluster.leave("busy");
    await cluster.leave("never-was");
    assert.deepEqual((await cluster.heartbeat(node("b"), LONG_MS)).nodes, [node("b")]);
    await die(cluster, "b", "c");
    assert.equal((await cluster.heartbeat(node("b"), LONG_MS)).lapsed, true);
    assert.equal((await cluster.heartbeat(busy, LONG_MS)).lapsed, true);
  },

  "leases: a session has none before it is claimed; who claims it has it, and keeps it": async (subject) => {
    const { store, cluster, other } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "a", "b");
    assert.equal(await cluster.lease(key("s1")), null);
    const lease = await cluster.claim(key("s1"), "a");
    assert.equal(lease.nodeId, "a");
    assert.ok(lease.fence >= 1);
    assert.deepEqual(await cluster.claim(key("s1"), "a"), lease);
    assert.deepEqual(await other.cluster.claim(key("s1"), "b"), lease);
    assert.deepEqual(await other.cluster.lease(key("s1")), lease);
  },

  "leases: of twenty nodes that claim at once one wins, and all are told who": async (subject) => {
    const { store, cluster, other } = await openCluster(subject);
    await live(cluster, ...names(20));
    for (const sessionId of ["s1", "s2", "s3", "s4", "s5"]) {
      await createSession(store, key(sessionId));
      const before = await cluster.claim(key(sessionId), "node-0");
      await cluster.release(key(sessionId), before);
      const claims = names(20).map((name, index) => (index % 2 ? cluster : other.cluster).claim(key(sessionId), name));
      const leases = await Promise.all(claims);
      const winner = await cluster.lease(key(sessionId));
      assert.ok((winner?.fence ?? 0) > before.fence);
      for (const lease of leases) assert.deepEqual(lease, winner);
    }
  },

  "leases: one whose node says nothing any more is free, by the store's clock": async (subject) => {
    const { store, cluster, other } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "a", "b");
    const first = await cluster.claim(key("s1"), "a");
    await cluster.heartbeat(node("a"), 50);
    await until(async () => (await other.cluster.lease(key("s1"))) === null);
    const second = await other.cluster.claim(key("s1"), "b");
    assert.deepEqual(second, { nodeId: "b", fence: first.fence + 1 });
    assert.equal((await cluster.heartbeat(node("a"), LONG_MS)).lapsed, true);
    assert.deepEqual(await cluster.claim(key("s1"), "a"), second);
    assert.deepEqual(await cluster.leases("a"), []);
  },

  "leases: a node that was silent too long, and missed by nobody, has its leases as they were": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "a");
    const lease = await cluster.claim(key("s1"), "a");
    await die(cluster, "a");
    assert.deepEqual(await cluster.leases("a"), [{ ...key("s1"), fence: lease.fence }]);
    await live(cluster, "a");
    assert.deepEqual(await cluster.claim(key("s1"), "a"), lease);
  },

  "leases: a fence is never given again": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "a", "b");
    const fences: number[] = [];
    for (const nodeId of ["a", "a", "b", "a"]) {
      const lease = await cluster.claim(key("s1"), nodeId);
      fences.push(lease.fence);
      await cluster.release(key("s1"), lease);
      assert.equal(await cluster.lease(key("s1")), null);
    }
    await cluster.claim(key("s1"), "a");
    await cluster.leave("a");
    await live(cluster, "a");
    fences.push((await cluster.claim(key("s1"), "a")).fence);
    assert.deepEqual(
      fences,
      [...new Set(fences)].toSorted((a, b) => a - b),
    );
  },

  "leases: what is given back is the lease that was meant, and no later one": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "a", "b");
    const old = await cluster.claim(key("s1"), "a");
    await cluster.release(key("s1"), old);
    const again = await cluster.claim(key("s1"), "a");
    await cluster.release(key("s1"), old);
    await cluster.release(key("s1"), { ...again, nodeId: "b" });
    await cluster.release(key("none"), again);
    assert.deepEqual(await cluster.lease(key("s1")), again);
  },

  "leases: a node that does not live gets none": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "gone", "dead");
    await cluster.leave("gone");
    await die(cluster, "dead");
    for (const nodeId of ["never-was", "gone", "dead"]) {
      await assertRejects(cluster.claim(key("s1"), nodeId), "conflict");
    }
    assert.equal(await cluster.lease(key("s1")), null);
    await live(cluster, "a");
    await assertRejects(cluster.claim(key("none"), "a"), "session_not_found");
    assert.equal(await cluster.lease(key("none")), null);
  },

  "leases: all that a node holds, and none once it has left": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    const held = [key("s1"), key("s2"), key("s1", "other")];
    for (const at of [...held, key("s3")]) await createSession(store, at);
    await live(cluster, "a", "b");
    const leases = [];
    for (const at of held) leases.push({ ...at, fence: (await cluster.claim(at, "a")).fence });
    await cluster.claim(key("s3"), "b");
    assert.deepEqual([...(await cluster.leases("a"))].toSorted(byTenant), leases.toSorted(byTenant));
    assert.deepEqual(await cluster.leases("never-was"), []);
    await cluster.leave("a");
    assert.deepEqual(await cluster.leases("a"), []);
    assert.equal(await cluster.lease(key("s1")), null);
    assert.equal((await cluster.lease(key("s3")))?.nodeId, "b");
    assert.equal((await cluster.claim(key("s1"), "b")).nodeId, "b");
  },

  "abandoned: what somebody should run and nobody living does": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    const ids = ["idle", "loaded", "boxed", "asked", "mine", "ended"];
    for (const id of ids) await createSession(store, key(id));
    await live(cluster, "a", "b");
    const loaded = { isLoaded: true, sandbox: null };
    for (const id of ["loaded", "mine", "ended"]) {
      await append(store, { ...key(id), expectedSeq: 1, events: [status(id, 2, loaded)] });
    }
    const gone = [status("ended", 3, { isLoaded: false, sandbox: null })];
    await append(store, { ...key("ended"), expectedSeq: 2, events: gone });
    await append(store, change(key("boxed"), 1, { sandbox: sandbox(2) }));
    await cluster.send({ ...key("asked"), id: "c1", from: "b", method: "send", body: {} });
    const found = async (limit = 100) =>
      [...(await cluster.abandoned(limit))].toSorted((a, b) => (a.sessionId < b.sessionId ? -1 : 1));
    const free = [
      { ...key("asked"), sandbox: null },
      { ...key("boxed"), sandbox: sandbox(2) },
      { ...key("loaded"), sandbox: null },
    ];
    await cluster.claim(key("mine"), "a");
    assert.deepEqual(await found(), free);
    assert.equal((await found(2)).length, 2);
    for (const { sessionId } of free) await cluster.claim(key(sessionId), "a");
    assert.deepEqual(await found(), []);
    await die(cluster, "a", "b");
    assert.deepEqual(await found(), [...free, { ...key("mine"), sandbox: null }].toSorted(byTenant));
    for (const { sessionId } of free) await cluster.claim(key(sessionId), "b");
    await cluster.answer("c1", { ok: true, data: null });
    await cluster.leave("b");
    assert.deepEqual(
      (await found()).map(({ sessionId }) => sessionId),
      ["boxed", "loaded", "mine"],
    );
  },

  "abandoned: sessions of every tenant": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    for (const at of [key("s1"), key("s1", "other")]) {
      await createSession(store, at);
      await append(store, change(at, 1, { sandbox: sandbox(1) }));
    }
    await live(cluster, "a");
    await cluster.claim(key("s1"), "a");
    assert.deepEqual(await cluster.abandoned(10), [{ ...key("s1", "other"), sandbox: sandbox(1) }]);
    assert.equal(await cluster.lease(key("s1", "other")), null);
  },

  "tails: where each log ends, in the order of the question": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    await createSession(store, key("s1"));
    await createSession(store, key("s2"));
    await append(store, { ...key("s2"), expectedSeq: 1, events: [delta("s2", 2), delta("s2", 3)] });
    const keys = [key("s2"), key("none"), key("s1"), key("s2", "other"), key("s2")];
    assert.deepEqual(await cluster.tails(keys), [3, null, 1, null, 3]);
    assert.deepEqual(await cluster.tails([]), []);
    await createSession(store, key("s3"));
    const many = Array.from({ length: 1000 }, (_, index) => key(index === 700 ? "s3" : `none-${index}`));
    assert.deepEqual(
      (await cluster.tails(many)).flatMap((tail, index) => (tail === null ? [] : [[index, tail]])),
      [[700, 1]],
    );
  },

  "leases: a deleted session has none, and the next of its name begins without": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    await live(cluster, "a");
    const before = await subject.rowCount?.();
    await createSession(store, key("s1"));
    await cluster.claim(key("s1"), "a");
    await store.delete(key("s1"));
    assert.equal(await subject.rowCount?.(), before);
    assert.equal(await cluster.lease(key("s1")), null);
    assert.deepEqual(await cluster.leases("a"), []);
    await assertRejects(cluster.claim(key("s1"), "a"), "session_not_found");
    await createSession(store, key("s1"));
    assert.equal(await cluster.lease(key("s1")), null);
  },

  "leases: they are there for another process": async (subject) => {
    const reopen = needed(subject, "reopen");
    const { store, cluster } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "a");
    const lease = await cluster.claim(key("s1"), "a");
    const { store: storeAgain, cluster: again } = shared(await reopen());
    assert.deepEqual(await again.lease(key("s1")), lease);
    assert.equal((await again.heartbeat(node("a"), LONG_MS)).lapsed, false);
    const stale = { ...key("s1"), expectedSeq: 1, fence: lease.fence + 1, events: [delta("s1", 2)] };
    assertCode((await storeAgain.append([stale]))[0], "stale_fence");
  },
};
