/** That a sandbox is to be ended because its runner is stuck: tried until it is done, once at a time. */
export class Abandonment {
  readonly #end: (message: string) => Promise<void>;
  #message: string | undefined;
  #ending: Promise<void> | undefined;

  constructor(end: (message: string) => Promise<void>) {
    this.#end = end;
  }

  /** Whether a sandbox is abandoned and not ended yet. */
  get pending(): boolean {
    return this.#message !== undefined;
  }

  begin(message: string): Promise<void> {
    this.#message = message;
    return this.ended();
  }

  /** Resolves when nothing is abandoned; rejects, for a later call to try again, when it could not be ended. */
  ended(): Promise<void> {
    const message = this.#message;
    if (message === undefined) return Promise.resolve();
    this.#ending ??= this.#try(message);
    return this.#ending;
  }

  async #try(message: string): Promise<void> {
    try {
      await this.#end(message);
      this.#message = undefined;
    } finally {
      this.#ending = undefined;
    }
  }
}
