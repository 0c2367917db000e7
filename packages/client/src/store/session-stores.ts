import type { AgentClient } from "../client.ts";
import { createSessionStore, type SessionStore, type SessionStoreOptions } from "./session-store.ts";

/** Stores of sessions by their ids, each made when it is first asked for. */
export interface SessionStores {
  get(sessionId: string): SessionStore;
}

export type SessionStoresOptions = Omit<SessionStoreOptions, "state">;

interface Kept {
  readonly store: SessionStore;
  /** Milliseconds since 1970. */
  askedFor: number;
}

/** Idle stores that are kept, so that who comes back to a session sees it at once. */
const MOST_IDLE = 8;
/** Milliseconds for which whoever was given a store may still subscribe to it. */
const FRESH_MS = 10_000;

/** Everybody who asks for the same session shares its store. Of those that nobody subscribes to only the last few stay. */
export function createSessionStores(client: AgentClient, options: SessionStoresOptions = {}): SessionStores {
  const stores = new Map<string, Kept>();
  const forget = (now: number): void => {
    const idle = [...stores].filter(([, { store, askedFor }]) => store.isIdle && now - askedFor > FRESH_MS);
    for (const [id] of idle.slice(0, Math.max(0, idle.length - MOST_IDLE))) stores.delete(id);
  };
  return {
    get(sessionId) {
      const now = Date.now();
      const kept = stores.get(sessionId) ?? { store: createSessionStore(client, sessionId, options), askedFor: now };
      kept.askedFor = now;
      if (!stores.has(sessionId)) forget(now);
      stores.set(sessionId, kept);
      return kept.store;
    },
  };
}
