import type { SessionKey } from "../persistence/session-store.ts";
import { failpoint } from "../failpoint.ts";
import type { LogFrame } from "./frame.ts";

/** Who is told of frames after they were committed. Neither call may throw. */
export interface LogListener {
  frames(frames: readonly LogFrame[]): void;
  /** The session's log is no more. */
  ended(): void;
}

/** Carries committed frames from the writer to this process's followers, by session. */
export class LogHub {
  readonly #listeners = new Map<string, Set<LogListener>>();

  subscribe(key: SessionKey, listener: LogListener): () => void {
    const id = hubKey(key);
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id);
    };
  }

  publish(key: SessionKey, frames: readonly LogFrame[]): void {
    failpoint("publish:before");
    for (const listener of this.#listeners.get(hubKey(key)) ?? []) listener.frames(frames);
    failpoint("publish:after");
  }

  end(key: SessionKey): void {
    for (const listener of this.#listeners.get(hubKey(key)) ?? []) listener.ended();
  }

  /** Sessions that are being followed. */
  get size(): number {
    return this.#listeners.size;
  }
}

function hubKey(key: SessionKey): string {
  return `${key.tenant}\0${key.sessionId}`;
}
