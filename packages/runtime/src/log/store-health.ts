import type { RuntimeError } from "@hhopkins/agent-runtime-protocol";

export interface StoreHealthOptions {
  readonly now: () => Date;
  /** 0 up to 1, for the jitter. */
  readonly random: () => number;
  /** Milliseconds between tries: the first, and the most that it grows to. */
  readonly firstMs?: number;
  readonly mostMs?: number;
}

export interface StoreFault {
  readonly error: RuntimeError;
  readonly since: Date;
}

/**
 * Whether the store takes writes, for the whole runtime. While it does not, those who wait to try again are let
 * through one at a time, at growing distances: a store that is down is probed and not stormed. The first write that
 * gets through lets all others go on.
 */
export class StoreHealth {
  readonly #options: Required<StoreHealthOptions>;
  readonly #waiting = new Set<() => void>();
  #fault: StoreFault | undefined;
  #waitMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StoreHealthOptions) {
    this.#options = { firstMs: 50, mostMs: 5000, ...options };
    this.#waitMs = this.#options.firstMs;
  }

  /** Why the store takes nothing at the moment, or undefined. */
  get fault(): StoreFault | undefined {
    return this.#fault;
  }

  /** Who waits for a turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** A write failed, and no other one of the same group got through. */
  failed(error: RuntimeError): void {
    const { now, mostMs } = this.#options;
    this.#waitMs = this.#fault === undefined ? this.#options.firstMs : Math.min(this.#waitMs * 2, mostMs);
    this.#fault = { error, since: this.#fault?.since ?? now() };
    this.#schedule();
  }

  /** A write got through. */
  worked(): void {
    if (this.#fault === undefined) return;
    this.#fault = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }

  /**
   * Resolves when it is the caller's turn to try for the `attempt`th time (from 1 on), and at once when `signal`
   * fires. A caller whose own writes fail while those of others work waits longer and longer all the same.
   */
  async turn(attempt: number, signal: AbortSignal): Promise<void> {
    const { firstMs, mostMs } = this.#options;
    await unlessStopped(signal, (go) => {
      const timer = setTimeout(go, this.#jittered(Math.min(firstMs * 2 ** (attempt - 1), mostMs)));
      return () => clearTimeout(timer);
    });
    if (this.#fault === undefined || signal.aborted) return;
    await unlessStopped(signal, (go) => {
      this.#waiting.add(go);
      this.#schedule();
      return () => this.#waiting.delete(go);
    });
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const [first] = this.#waiting;
      if (first === undefined) return;
      this.#waiting.delete(first);
      first();
      // It may go without having tried.
      this.#schedule();
    }, this.#jittered(this.#waitMs));
  }

  #jittered(ms: number): number {
    return ms * (0.5 + this.#options.random() / 2);
  }
}

/** Resolves when `begin`'s callback is called, or `signal` fires; then what was begun is ended. */
async function unlessStopped(signal: AbortSignal, begin: (go: () => void) => () => void): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const go = (): void => resolve();
  signal.addEventListener("abort", go, { once: true });
  const end = begin(go);
  await promise;
  signal.removeEventListener("abort", go);
  end();
}
