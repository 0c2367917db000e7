import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import {
  clusterContract,
  runPersistenceCase,
  sessionStoreContract,
  type PersistenceSubject,
} from "@hhopkins/agent-runtime-testkit";
import { expect, test } from "vitest";
import { memoryPersistence, sharedMemory } from "../memory/index.ts";
import type { ClusterStore, SessionStore } from "../session-store.ts";

const CASES = { ...sessionStoreContract, ...clusterContract };

type Break = (
  store: SessionStore,
  cluster: ClusterStore,
) => Partial<Omit<SessionStore, "cluster">> & { cluster?: Partial<ClusterStore> };

/** What is wrong with a store, and a case of the contract that says so. */
const BROKEN: readonly (readonly [fault: string, says: string, fault: Break])[] = [
  [
    "fences are not looked at",
    "fence: who lost the session writes nothing, and leaves no trace",
    (store) => ({ append: (batches) => store.append(batches.map(({ fence: _fence, ...batch }) => batch)) }),
  ],
  [
    "a stale writer is told that its seq is wrong",
    "fence: a wrong one is refused as that, whatever else is wrong; batches without events too",
    (store) => ({
      append: async (batches) => {
        const wrong = new RuntimeError("sequence_conflict", "The log is elsewhere.");
        return (await store.append(batches)).map((outcome) => (outcome === null ? null : wrong));
      },
    }),
  ],
  [
    "a lease is given to whoever asks",
    "leases: a session has none before it is claimed; who claims it has it, and keeps it",
    (_store, cluster) => ({
      cluster: {
        claim: async (key, nodeId) => {
          const held = await cluster.lease(key);
          if (held !== null && held.nodeId !== nodeId) await cluster.release(key, held);
          return await cluster.claim(key, nodeId);
        },
      },
    }),
  ],
  [
    "fences are given again",
    "leases: a fence is never given again",
    (_store, cluster) => ({
      cluster: { claim: async (key, nodeId) => ({ ...(await cluster.claim(key, nodeId)), fence: 1 }) },
    }),
  ],
  [
    "the dead get leases",
    "leases: a node that does not live gets none",
    (_store, cluster) => ({
      cluster: {
        claim: async (key, nodeId) => {
          const dead = { nodeId, place: "", sandboxes: 0, waiting: 0, maxSandboxes: 1, leaving: false };
          await cluster.heartbeat(dead, 1000);
          return await cluster.claim(key, nodeId);
        },
      },
    }),
  ],
  [
    "nobody hears that its time was over",
    "nodes: who says that it lives is seen as it said, until it leaves or its time is over",
    (_store, cluster) => ({
      cluster: { heartbeat: async (node, ttlMs) => ({ ...(await cluster.heartbeat(node, ttlMs)), lapsed: false }) },
    }),
  ],
  [
    "a node that has left keeps its leases",
    "leases: all that a node holds, and none once it has left",
    () => ({ cluster: { leave: async () => undefined } }),
  ],
  [
    "any lease is given back",
    "leases: what is given back is the lease that was meant, and no later one",
    (_store, cluster) => ({
      cluster: { release: async (key) => cluster.release(key, (await cluster.lease(key)) ?? { nodeId: "", fence: 0 }) },
    }),
  ],
  [
    "sessions for which commands wait are forgotten",
    "abandoned: what somebody should run and nobody living does",
    (store, cluster) => ({
      cluster: {
        abandoned: async (limit) => {
          const claimed = new Set((await store.claimed()).map(({ sessionId }) => sessionId));
          return (await cluster.abandoned(limit)).filter(({ sessionId }) => claimed.has(sessionId));
        },
      },
    }),
  ],
  [
    "logs that are not there are left out",
    "tails: where each log ends, in the order of the question",
    (_store, cluster) => ({
      cluster: { tails: async (keys) => (await cluster.tails(keys)).filter((tail) => tail !== null) },
    }),
  ],
  [
    "commands come in the order of their arrival from the end",
    "commands: in the order of their ids, at most as many as were asked for",
    (_store, cluster) => ({
      cluster: { waiting: async (nodeId, limit) => (await cluster.waiting(nodeId, limit)).toReversed() },
    }),
  ],
  [
    "a command is sent anew although it was answered",
    "commands: one id is one command, also once it is answered",
    (_store, cluster) => ({
      cluster: {
        send: async (command) => {
          await cluster.forget([command.id]);
          await cluster.send(command);
        },
      },
    }),
  ],
  [
    "commands of all tenants are one",
    "commands: each tenant's session has its own",
    (_store, cluster) => ({
      cluster: { send: (command) => cluster.send({ ...command, tenant: "default" }) },
    }),
  ],
  [
    "the last answer counts",
    "answers: the first one counts, in the order of the question, until it is forgotten",
    (_store, cluster) => ({
      cluster: {
        answer: async (id, answer) => {
          await cluster.forget([id]);
          await cluster.answer(id, answer);
        },
      },
    }),
  ],
  [
    "a deletion leaves something",
    "commands: go with a session that is deleted, and nothing is left",
    (store, cluster) => ({
      delete: async (key) => {
        await store.delete(key);
        await cluster.answer(`of ${key.sessionId}`, { ok: true, data: null });
      },
    }),
  ],
  [
    "bytes are written again",
    "blobs: bytes that are there already are not written again, whichever file has them",
    (store) => ({
      append: async (batches) => {
        const again = batches.map((batch) => ({
          ...batch,
          transcript: (batch.blobs ?? []).map(({ sha256 }) => ({ key: sha256, lines: [] })),
        }));
        return await store.append(again);
      },
    }),
  ],
  [
    "a large blob comes in one piece",
    "blobs: one of many pieces comes back byte for byte, piece by piece",
    (store) => ({
      blob: async function* blob(key, sha256) {
        const pieces = [];
        for await (const piece of store.blob(key, sha256)) pieces.push(piece);
        yield Buffer.concat(pieces);
      },
    }),
  ],
  [
    "two writers get one number",
    "append: of twenty writers at once each event has a number of its own",
    (store) => ({
      append: async (batches) => {
        const outcomes = await store.append(batches);
        return outcomes.map(() => null);
      },
    }),
  ],
];

test.for(BROKEN)("a store of which %s fails the case “%s”", async ([_fault, says, broken]) => {
  const run = CASES[says];
  if (run === undefined) throw new Error(`there is no case ${says}`);
  const outcome = await runPersistenceCase(run, brokenSubject(broken));
  expect(outcome.state).toBe("failed");
  expect(
    await runPersistenceCase(
      run,
      brokenSubject(() => ({})),
    ),
  ).toEqual({ state: "passed" });
});

/** Adapters of one memory, each broken. */
function brokenSubject(broken: Break): PersistenceSubject {
  const memory = sharedMemory();
  const another = async () => {
    const adapter = memoryPersistence({ memory });
    const { store } = adapter;
    if (store.cluster === undefined) throw new Error("a shared memory has a cluster");
    const { cluster = {}, ...rest } = broken(store, store.cluster);
    return { ...adapter, store: { ...store, ...rest, cluster: { ...store.cluster, ...cluster } } };
  };
  return { open: another, second: another, rowCount: async () => memory.size };
}
