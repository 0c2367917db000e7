import assert from "node:assert/strict";
import type { SessionKey, SessionStore } from "@hhopkins/agent-runtime-protocol";
import { die, live, LONG_MS, node, openCluster, shared, until } from "./cluster-scene.ts";
import { append, change, createSession, delta, key, minute, sandbox, status, text } from "./samples.ts";
import { assertCode, assertRejects, collect, needed, type PersistenceCase } from "./subject.ts";

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `node-${index}`);

const byTenant = (a: SessionKey, b: SessionKey): number =>
  `${a.tenant}/${a.sessionId}` < `${b.tenant}/${b.sessionId}` ? -1 : 1;

async function seqs(store: SessionStore): Promise<number[]> {
  return (await store.events(key("s1"), { after: 0, limit: 1000 })).map((event) => event.seq);
}

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
      assert.equal(winner?.fence, before.fence + 1);
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
    const [first = 0] = fences;
    assert.deepEqual(fences, [first, first + 1, first + 2, first + 3, first + 5]);
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

  "fence: who lost the session writes nothing, and leaves no trace": async (subject) => {
    const { store, cluster, other } = await openCluster(subject);
    await createSession(store, key("s1"));
    await createSession(store, key("s2"));
    await live(cluster, "a", "b");
    const { fence: old } = await cluster.claim(key("s1"), "a");
    await append(store, { ...key("s1"), expectedSeq: 1, fence: old, events: [delta("s1", 2)] });
    await die(cluster, "a");
    const { fence } = await other.cluster.claim(key("s1"), "b");
    const before = await store.head(key("s1"));
    const sha256 = "b".repeat(64);
    const parts = {
      cursor: { generation: 1, n: 7 },
      transcript: [{ key: "k", lines: ["line"] }],
      blobs: [{ sha256, offset: 0, total: 1, bytes: Buffer.from("x") }],
      files: { put: [{ path: "a.txt", sha256, size: 1 }], deleted: [] },
      blocks: [{ conversationId: "main", blockId: "b1", position: 2, block: text("b1") }],
      messages: [{ messageId: "m1", contentHash: "h" }],
      sandbox: sandbox(1),
      nativeSessionId: "native",
      record: { name: "changed", lastActivity: minute(9) },
    };
    const outcomes = await store.append([
      { ...key("s2"), expectedSeq: 1, events: [delta("s2", 2)] },
      { ...key("s1"), expectedSeq: 2, fence: old, events: [delta("s1", 3)], ...parts },
      { ...key("s2"), expectedSeq: 2, events: [delta("s2", 3)] },
    ]);
    assert.deepEqual([outcomes[0], outcomes[2]], [null, null]);
    assertCode(outcomes[1], "stale_fence");
    assert.deepEqual(await store.head(key("s1")), before);
    assert.deepEqual(await seqs(store), [1, 2]);
    assert.deepEqual(await store.files(key("s1")), []);
    assert.equal(await store.blobSize(key("s1"), sha256), 0);
    assert.equal(await store.block(key("s1"), "b1"), null);
    assert.equal(await store.message(key("s1"), { messageId: "m1" }), null);
    assert.deepEqual(await collect(store.transcript(key("s1"))), []);
    assert.deepEqual(await store.claimed(), []);
    await append(other.store, { ...key("s1"), expectedSeq: 2, fence, events: [delta("s1", 3)] });
    await append(store, { ...key("s1"), expectedSeq: 3, events: [delta("s1", 4)] });
  },

  "fence: a wrong one is refused as that, whatever else is wrong; batches without events too": async (subject) => {
    const { store, cluster } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "a");
    const messages = [{ messageId: "m1", contentHash: "h" }];
    await append(store, change(key("s1"), 1, { messages, cursor: { generation: 1, n: 5 } }));
    const { fence } = await cluster.claim(key("s1"), "a");
    for (const wrong of [fence - 1, fence + 1]) {
      const batches = [
        { ...key("s1"), expectedSeq: 7, fence: wrong, events: [delta("s1", 8)] },
        change(key("s1"), 1, { fence: wrong, messages }),
        change(key("s1"), 1, { fence: wrong, cursor: { generation: 1, n: 5 } }),
        change(key("s1"), 1, { fence: wrong, record: { name: "changed" } }),
      ];
      for (const batch of batches) assertCode((await store.append([batch]))[0], "stale_fence");
    }
    const [none] = await store.append([{ ...key("none"), expectedSeq: 0, fence, events: [delta("none", 1)] }]);
    assertCode(none, "session_not_found");
    const [gap] = await store.append([{ ...key("s1"), expectedSeq: 7, fence, events: [delta("s1", 8)] }]);
    assertCode(gap, "sequence_conflict");
    const [known] = await store.append([change(key("s1"), 1, { fence, messages })]);
    assertCode(known, "conflict");
    assert.equal((await store.head(key("s1")))?.record.name, undefined);
  },

  "fence: while nodes take a session from each other, each writes only as long as it has it": async (subject) => {
    const { store, cluster, other } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "a", "b");
    const runs = [
      { ...other, nodeId: "a" },
      { store, cluster, nodeId: "b" },
    ];
    const refusals = await Promise.all(runs.map((run) => ownAndWrite(run, 12)));
    const events = await store.events(key("s1"), { after: 1, limit: 1000 });
    const fences = events.map(({ data }) => Number((data as { delta: string }).delta));
    assert.deepEqual(
      fences,
      fences.toSorted((a, b) => a - b),
    );
    assert.equal((await store.head(key("s1")))?.lastSeq, events.length + 1);
    for (const code of refusals.flat()) assert.ok(["stale_fence", "sequence_conflict"].includes(code), code);
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

/** Takes the session so many times, writes its fence into the log as long as it has it, and gives it away. */
async function ownAndWrite(
  { store, cluster, nodeId }: { readonly nodeId: string } & ReturnType<typeof shared>,
  turns: number,
): Promise<string[]> {
  const refused: string[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const lease = await cluster.claim(key("s1"), nodeId);
    // The other one may have it: then this one writes with a fence that it has not been given, as one that was paused.
    const fence = lease.nodeId === nodeId ? lease.fence : lease.fence - 1;
    for (let n = 0; n < 3; n += 1) {
      const [lastSeq] = await cluster.tails([key("s1")]);
      assert.ok(typeof lastSeq === "number");
      const events = [delta("s1", lastSeq + 1, `${fence}`)];
      const [outcome] = await store.append([{ ...key("s1"), expectedSeq: lastSeq, fence, events }]);
      if (outcome !== null) refused.push((outcome as { code?: string } | undefined)?.code ?? String(outcome));
    }
    if (lease.nodeId === nodeId) await cluster.release(key("s1"), lease);
  }
  return refused;
}
