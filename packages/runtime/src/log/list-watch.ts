import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";

export type SessionListChange =
  | { readonly event: "sessions:updated"; readonly session: SessionListItem }
  | { readonly event: "sessions:removed"; readonly sessionId: string };

/** Tells who watches a tenant's list what has changed in it. Best effort: nothing is kept. */
export class ListWatch {
  readonly #listeners = new Map<string, Set<(change: SessionListChange) => void>>();
  /** Other nodes, if any. */
  readonly #tellOthers: (tenant: string, change: SessionListChange) => void;

  constructor(tellOthers: (tenant: string, change: SessionListChange) => void = () => undefined) {
    this.#tellOthers = tellOthers;
  }

  watch(tenant: string, listener: (change: SessionListChange) => void): () => void {
    const listeners = this.#listeners.get(tenant) ?? new Set();
    this.#listeners.set(tenant, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(tenant) === listeners) this.#listeners.delete(tenant);
    };
  }

  isWatched(tenant: string): boolean {
    return this.#listeners.has(tenant);
  }

  /** It was changed here. */
  changed(tenant: string, change: SessionListChange): void {
    this.heard(tenant, change);
    this.#tellOthers(tenant, change);
  }

  /** It was changed on another node. */
  heard(tenant: string, change: SessionListChange): void {
    for (const listener of this.#listeners.get(tenant) ?? []) listener(change);
  }
}
