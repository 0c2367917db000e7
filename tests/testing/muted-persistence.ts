import type { PersistenceAdapter } from "@hhopkins/agent-runtime";
import { memoryPersistence, type SharedMemory } from "@hhopkins/agent-runtime/persistence/memory";

/** A store that servers share, whose heartbeats can be kept from it while everything else gets through. */
export function mutedPersistence(memory: SharedMemory): {
  readonly persistence: PersistenceAdapter;
  readonly mute: (is: boolean) => void;
} {
  const adapter = memoryPersistence({ memory });
  const { cluster } = adapter.store;
  if (cluster === undefined) throw new Error("this memory is nobody else's");
  let muted = false;
  const heartbeat: typeof cluster.heartbeat = (...args) =>
    muted ? Promise.reject(new Error("the network drops it")) : cluster.heartbeat(...args);
  return {
    persistence: { ...adapter, store: { ...adapter.store, cluster: { ...cluster, heartbeat } } },
    mute: (is) => void (muted = is),
  };
}
