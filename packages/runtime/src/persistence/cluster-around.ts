import type { ClusterStore } from "./session-store.ts";

/** What is put around each method of a store, such as a guard or a deadline. */
export type AroundMethod = <A extends readonly unknown[], R>(
  name: keyof ClusterStore,
  method: (...args: A) => Promise<R>,
) => (...args: A) => Promise<R>;

/** A store's cluster with something around each method; its bus is left as it is. */
export function clusterAround(cluster: ClusterStore, around: AroundMethod): ClusterStore {
  return {
    heartbeat: around("heartbeat", (node, ttlMs) => cluster.heartbeat(node, ttlMs)),
    leave: around("leave", (nodeId) => cluster.leave(nodeId)),
    claim: around("claim", (key, nodeId) => cluster.claim(key, nodeId)),
    lease: around("lease", (key) => cluster.lease(key)),
    release: around("release", (key, lease) => cluster.release(key, lease)),
    leases: around("leases", (nodeId) => cluster.leases(nodeId)),
    abandoned: around("abandoned", (limit) => cluster.abandoned(limit)),
    tails: around("tails", (keys) => cluster.tails(keys)),
    send: around("send", (command) => cluster.send(command)),
    waiting: around("waiting", (nodeId, limit) => cluster.waiting(nodeId, limit)),
    answer: around("answer", (id, answer) => cluster.answer(id, answer)),
    answers: around("answers", (ids) => cluster.answers(ids)),
    forget: around("forget", (ids) => cluster.forget(ids)),
    ...(cluster.bus === undefined ? {} : { bus: cluster.bus }),
  };
}
