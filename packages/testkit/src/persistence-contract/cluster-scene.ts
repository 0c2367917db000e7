import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterStore, NodeRecord, PersistenceAdapter, SessionStore } from "@hhopkins/agent-runtime-protocol";
import { storeOf, type PersistenceSubject } from "./subject.ts";

/** Longer than any case takes: whoever lives for so long lives to its end. */
export const LONG_MS = 600_000;

/** A store that many nodes share, twice: as two of its processes have it. */
export interface ClusterScene {
  readonly store: SessionStore;
  readonly cluster: ClusterStore;
  /** The same data through another instance of the adapter, where the subject has one; else the same instance. */
  readonly other: { readonly store: SessionStore; readonly cluster: ClusterStore };
}

export async function openCluster(subject: PersistenceSubject): Promise<ClusterScene> {
  const first = shared(await subject.open());
  return { ...first, other: subject.second === undefined ? first : shared(await subject.second()) };
}

export function shared(adapter: PersistenceAdapter): { store: SessionStore; cluster: ClusterStore } {
  const store = storeOf(adapter);
  assert.ok(store.cluster, "the store has no cluster");
  return { store, cluster: store.cluster };
}

export function node(nodeId: string, more: Partial<NodeRecord> = {}): NodeRecord {
  const idle = { sandboxes: 0, waiting: 0, maxSandboxes: 8, leaving: false };
  return { nodeId, place: "here", ...idle, ...more };
}

/** Nodes that live until the case ends, or until `die`. */
export async function live(cluster: ClusterStore, ...nodeIds: readonly string[]): Promise<void> {
  for (const nodeId of nodeIds) await cluster.heartbeat(node(nodeId), LONG_MS);
}

/** The node says nothing more, and its time ends by the store's clock; `watcher` is a node that sees it. */
export async function die(cluster: ClusterStore, nodeId: string, watcher = "watcher"): Promise<void> {
  await cluster.heartbeat(node(nodeId), 1);
  await until(async () => {
    const { nodes } = await cluster.heartbeat(node(watcher), LONG_MS);
    return !nodes.some((one) => one.nodeId === nodeId);
  });
}

/** Resolves as soon as the condition is true; rejects after a time that no store needs. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 20_000; !(await condition()); await sleep(5)) {
    assert.ok(performance.now() < end, "what was waited for never came");
  }
}
