export interface PeriodicOptions {
  /** Milliseconds from the end of one time to the next; asked each time. */
  readonly everyMs: () => number;
  readonly work: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Does something again and again, never twice at once, and at once when asked to. */
export class Periodic {
  readonly #options: PeriodicOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #started = false;

  constructor(options: PeriodicOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#schedule();
  }

  /** At once, or when what is under way has ended: what is asked for now is done after now. */
  now(): void {
    if (!this.#started) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#running = this.#run();
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#started = false;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    do {
      this.#again = false;
      try {
        await this.#options.work();
      } catch (error) {
        this.#options.onError(error);
      }
    } while (this.#again && this.#started);
    this.#running = undefined;
    this.#schedule();
  }

  #schedule(): void {
    if (!this.#started) return;
    this.#timer = setTimeout(() => this.now(), this.#options.everyMs());
    this.#timer.unref();
  }
}
