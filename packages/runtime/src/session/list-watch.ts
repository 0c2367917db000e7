import type { SessionListChange } from "./service.ts";

/** Tells who watches a tenant's list what has changed in it. Best effort: nothing is kept. */
export class ListWatch {
  readonly #listeners = new Map<string, Set<(change: SessionListChange) => void>>();

  watch(tenant: string, listener: (change: SessionListChange) => void): () => void {
    const listeners = this.#listeners.get(tenant) ?? new Set();
    this.#listeners.set(tenant, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(tenant) === listeners) this.#listeners.delete(tenant);
    };
  }

  changed(tenant: string, change: SessionListChange): void {
    for (const listener of this.#listeners.get(tenant) ?? []) listener(change);
  }
}
