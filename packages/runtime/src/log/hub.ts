import type { SessionKey } from "../persistence/session-store.ts";
import { failpoint } from "../failpoint.ts";
import type { LogFrame } from "./frame.ts";

/** Who is told of frames after they were committed. No call may throw. */
export interface LogListener {
  frames(frames: readonly LogFrame[]): void;
  /** The log has grown by more than is told here: the store has it. */
  behind?(): void;
  /** The session's log is no more. */
  ended(): void;
}

interface Followed {
  readonly key: SessionKey;
  readonly listeners: Set<LogListener>;
  /** Up to where frames were told of, or are in the store for whoever begins to listen. */
  reached: number;
}

/** Carries committed frames from the writer, or from what was read of another node's log, to this process's followers. */
export class LogHub {
  readonly #followed = new Map<string, Followed>();

  /** `lastSeq`: the log went up to there at least before this call. */
  subscribe(key: SessionKey, listener: LogListener, lastSeq = 0): () => void {
    const id = hubKey(key);
    const { tenant, sessionId } = key;
    const followed = this.#followed.get(id) ?? { key: { tenant, sessionId }, listeners: new Set(), reached: lastSeq };
    this.#followed.set(id, followed);
    followed.listeners.add(listener);
    return () => {
      followed.listeners.delete(listener);
      if (followed.listeners.size === 0 && this.#followed.get(id) === followed) this.#followed.delete(id);
    };
  }

  publish(key: SessionKey, frames: readonly LogFrame[]): void {
    failpoint("publish:before");
    this.deliver(key, frames);
    failpoint("publish:after");
  }

  /** Frames that are in the store, in order. They may come twice, and with holes: each follower has its own cursor. */
  deliver(key: SessionKey, frames: readonly LogFrame[]): void {
    const followed = this.#followed.get(hubKey(key));
    if (followed === undefined) return;
    followed.reached = Math.max(followed.reached, frames.at(-1)?.event.seq ?? 0);
    for (const listener of followed.listeners) listener.frames(frames);
  }

  /** The log goes up to `lastSeq` in the store, and nobody was told how. */
  skipTo(key: SessionKey, lastSeq: number): void {
    const followed = this.#followed.get(hubKey(key));
    if (followed === undefined) return;
    followed.reached = Math.max(followed.reached, lastSeq);
    for (const listener of followed.listeners) listener.behind?.();
  }

  end(key: SessionKey): void {
    for (const listener of this.#followed.get(hubKey(key))?.listeners ?? []) listener.ended();
  }

  /** Up to where followers of the session were told; undefined where nobody follows it. */
  reached(key: SessionKey): number | undefined {
    return this.#followed.get(hubKey(key))?.reached;
  }

  /** Sessions that are being followed. */
  get followed(): readonly SessionKey[] {
    return [...this.#followed.values()].map(({ key }) => key);
  }

  get size(): number {
    return this.#followed.size;
  }
}

function hubKey(key: SessionKey): string {
  return `${key.tenant}\0${key.sessionId}`;
}
