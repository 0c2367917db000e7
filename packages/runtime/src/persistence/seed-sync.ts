/** What `SeedSync` needs to know. */
export interface SeedSyncOptions {
  /** Saves one session's transcript. */
  readonly save: (sessionId: string) => Promise<void>;
  /** The longest that a change may wait, in milliseconds. */
  readonly intervalMs: number;
  readonly warn: (message: string) => void;
}

/** Sessions whose transcript has changed since it was saved. A timer runs only while there are some. */
export class SeedSync {
  readonly #options: SeedSyncOptions;
  readonly #dirty = new Set<string>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: SeedSyncOptions) {
    this.#options = options;
  }

  changed(sessionId: string): void {
    this.#dirty.add(sessionId);
    this.#timer ??= this.#startTimer();
  }

  saved(sessionId: string): void {
    this.#dirty.delete(sessionId);
    if (this.#dirty.size === 0) this.#stopTimer();
  }

  /** Saves what waits. Rejects with the first failure; what failed waits on. */
  async flush(): Promise<void> {
    const failures: unknown[] = [];
    for (const sessionId of this.#dirty) {
      await this.#options.save(sessionId).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  #startTimer(): NodeJS.Timeout {
    const timer = setTimeout(() => void this.#tick(), this.#options.intervalMs);
    timer.unref();
    return timer;
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #tick(): Promise<void> {
    try {
      await this.flush();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.warn(`A transcript could not be saved, it is tried again: ${reason}`);
    }
    this.#stopTimer();
    if (this.#dirty.size > 0) this.#timer = this.#startTimer();
  }
}
