import type { PersistenceAdapter } from "./port.ts";

/** What an adapter can have beside the nine methods. */
export type PersistenceCapability = "store" | "tenants" | "cluster" | "bus" | "profiles";

/**
 * What a persistence adapter has beside the nine methods: `store`, the session log and all that comes with it; `tenants`,
 * sessions of several of them, which every store has; `cluster`, many servers share it; `bus`, the database itself
 * wakes the other servers; `profiles`, they are made and changed by REST. The adapter need not be open.
 */
export function persistenceCapabilities({ store, profiles }: PersistenceAdapter): PersistenceCapability[] {
  return [
    ...(store === undefined ? [] : (["store", "tenants"] as const)),
    ...(store?.cluster === undefined ? [] : (["cluster"] as const)),
    ...(store?.cluster?.bus === undefined ? [] : (["bus"] as const)),
    ...(profiles === undefined ? [] : (["profiles"] as const)),
  ];
}
