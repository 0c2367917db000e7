import type { ErrorCode } from "@hhopkins/agent-runtime-protocol";
import type { SessionKey } from "../persistence/session-store.ts";

/** What is the matter with a session that its log cannot tell. */
export interface Notice {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Tells who follows a session what cannot be an event, for the log itself cannot be written. Best effort. */
export class Notices {
  readonly #current = new Map<string, Notice>();
  readonly #listeners = new Map<string, Set<(notice: Notice) => void>>();

  /** undefined: it is over, which the events that follow show. */
  set(key: SessionKey, notice: Notice | undefined): void {
    const id = noticeKey(key);
    if (notice === undefined) {
      this.#current.delete(id);
      return;
    }
    this.#current.set(id, notice);
    for (const listener of this.#listeners.get(id) ?? []) listener(notice);
  }

  /** Calls back with what is the matter now, and with what comes. Returns how to stop. `listener` may not throw. */
  watch(key: SessionKey, listener: (notice: Notice) => void): () => void {
    const id = noticeKey(key);
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    const current = this.#current.get(id);
    if (current !== undefined) listener(current);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id);
    };
  }
}

function noticeKey(key: SessionKey): string {
  return `${key.tenant}\0${key.sessionId}`;
}
