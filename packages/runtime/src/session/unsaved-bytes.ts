import { MAX_LINE_BYTES } from "@hhopkins/agent-runtime-protocol";

export interface UnsavedLimits {
  /** Bytes of one session that are in memory and not saved. */
  readonly perSession: number;
  /** Of all sessions together. */
  readonly total: number;
}

/**
 * Counts what is in memory and not saved yet: what runners said, and messages that wait to be stored. At the bound the
 * streams of the runners are paused (they keep what they have to say in their journals), and messages are refused.
 */
export class UnsavedBytes {
  readonly limits: UnsavedLimits;
  readonly #watchers = new Set<() => void>();
  #bytes = 0;
  #lineBytes = 0;

  constructor(limits: UnsavedLimits) {
    this.limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The next line could be one too many, and there is something that will make room. */
  get isFull(): boolean {
    return this.#bytes > pauseAt(this.limits.total) && this.#lineBytes > 0;
  }

  account(): UnsavedAccount {
    return new UnsavedAccount(this);
  }

  /** Calls back when it becomes full, and when it has room again. Returns how to stop. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  /** @internal */
  change(bytes: number, lineBytes: number): void {
    const before = this.isFull;
    this.#bytes += bytes;
    this.#lineBytes += lineBytes;
    if (this.isFull !== before) for (const changed of this.#watchers) changed();
  }
}

/** One session's part. */
export class UnsavedAccount {
  readonly #all: UnsavedBytes;
  #bytes = 0;
  #lineBytes = 0;

  constructor(all: UnsavedBytes) {
    this.#all = all;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** No more may come in. A line that is not complete yet makes no room, so it alone never makes it full. */
  get isFull(): boolean {
    return (this.#bytes > pauseAt(this.#all.limits.perSession) && this.#lineBytes > 0) || this.#all.isFull;
  }

  /** Whether so many bytes more are within both bounds. */
  hasRoom(bytes: number): boolean {
    const { perSession, total } = this.#all.limits;
    return !this.isFull && this.#bytes + bytes <= perSession && this.#all.bytes + bytes <= total;
  }

  /** `lineBytes`: those of them that are whole, and go once they are saved. */
  change(bytes: number, lineBytes: number): void {
    this.#bytes += bytes;
    this.#lineBytes += lineBytes;
    this.#all.change(bytes, lineBytes);
  }

  watch(changed: () => void): () => void {
    return this.#all.watch(changed);
  }
}

/** Early enough for one more line of the longest kind, where the bound is not smaller than two. */
function pauseAt(limit: number): number {
  return Math.max(limit / 2, limit - MAX_LINE_BYTES);
}
