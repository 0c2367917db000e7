import type { PersistenceAdapter } from "./port.ts";

/** What an adapter can have beside the nine methods. */
export type PersistenceCapability = "store" | "tenants" | "cluster" | "bus";

/**
 * What a persistence adapter has beside the nine methods: `store`, the session log and all that comes with it; `tenants`,
 * sessions of several of them, which every store has; `cluster`, many servers share it; `bus`, the database itself
 * wakes the other servers. The adapter need not be open.
 */
export function persistenceCapabilities({ store }: PersistenceAdapter): PersistenceCapability[] {
  if (store === undefined) return [];
  const { cluster } = store;
  return [
    "store",
    "tenants",
    ...(cluster === undefined ? [] : (["cluster"] as const)),
    ...(cluster?.bus === undefined ? [] : (["bus"] as const)),
  ];
}
