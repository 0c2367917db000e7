import type { MountOptions } from "../environment-mounts.ts";

/** Work that several wait for: it is begun once, and called off when nobody waits any more. */
export class SharedWork {
  readonly done: Promise<void>;
  readonly #abort = new AbortController();
  readonly #listeners = new Set<(message: string) => void>();
  #waiting = 0;
  #last: string | undefined;

  constructor(begin: (how: MountOptions) => Promise<void>) {
    const onProgress = (message: string): void => {
      this.#last = message;
      for (const listener of this.#listeners) listener(message);
    };
    this.done = begin({ signal: this.#abort.signal, onProgress });
    this.done.catch(() => undefined);
  }

  /** It was called off, and is about to end. */
  get cancelled(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Waits for the end; rejects with the reason of `signal` where that comes first. What was said last is said again. */
  async wait({ signal, onProgress }: MountOptions): Promise<void> {
    const left = Promise.withResolvers<never>();
    const leave = (): void => left.reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    this.#listeners.add(onProgress);
    this.#waiting += 1;
    try {
      signal.throwIfAborted();
      if (this.#last !== undefined) onProgress(this.#last);
      await Promise.race([this.done, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
      this.#listeners.delete(onProgress);
      this.#waiting -= 1;
      if (this.#waiting === 0) this.cancel();
    }
  }

  cancel(): void {
    this.#abort.abort(new Error("Nobody waits for it any more"));
  }
}
