import assert from "node:assert/strict";
import type { SessionStore } from "@hhopkins/agent-runtime-protocol";
import { die, live, openCluster, type shared } from "./cluster-scene.ts";
import { append, change, createSession, delta, key } from "./samples.ts";
import { assertCode, type PersistenceCase } from "./subject.ts";
import { assertNoTrace, EVERYTHING } from "./whole-batch.ts";

async function seqs(store: SessionStore): Promise<number[]> {
  return (await store.events(key("s1"), { after: 0, limit: 1000 })).map((event) => event.seq);
}

export const fenceCases: Record<string, PersistenceCase> = {
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
    const outcomes = await store.append([
      { ...key("s2"), expectedSeq: 1, events: [delta("s2", 2)] },
      { ...key("s1"), expectedSeq: 2, fence: old, events: [delta("s1", 3)], ...EVERYTHING },
      { ...key("s2"), expectedSeq: 2, events: [delta("s2", 3)] },
    ]);
    assert.deepEqual([outcomes[0], outcomes[2]], [null, null]);
    assertCode(outcomes[1], "stale_fence");
    assert.deepEqual(await store.head(key("s1")), before);
    assert.deepEqual(await seqs(store), [1, 2]);
    await assertNoTrace(store, key("s1"));
    await append(other.store, { ...key("s1"), expectedSeq: 2, fence, events: [delta("s1", 3)] });
    await append(store, { ...key("s1"), expectedSeq: 3, events: [delta("s1", 4)] });
  },

  "fence: who gave the session back writes nothing more, though nobody has taken it": async (subject) => {
    const { store, cluster, other } = await openCluster(subject);
    await createSession(store, key("s1"));
    await live(cluster, "a", "b");
    const lease = await cluster.claim(key("s1"), "a");
    const { fence } = lease;
    await append(store, { ...key("s1"), expectedSeq: 1, fence, events: [delta("s1", 2)] });
    await cluster.release(key("s1"), lease);
    const [late] = await store.append([{ ...key("s1"), expectedSeq: 2, fence, events: [delta("s1", 3)] }]);
    assertCode(late, "stale_fence");
    assert.deepEqual(await seqs(store), [1, 2]);
    const next = await other.cluster.claim(key("s1"), "b");
    await append(store, { ...key("s1"), expectedSeq: 2, fence: next.fence, events: [delta("s1", 3)] });
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
