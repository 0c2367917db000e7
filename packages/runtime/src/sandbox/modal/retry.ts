import { setTimeout as sleep } from "node:timers/promises";
import { isThrottled } from "./remedy.ts";

const FIRST_MS = 200;
const MOST_MS = 2000;
const TRIES = 5;

export interface RetryOptions {
  readonly signal?: AbortSignal;
  readonly random: () => number;
}

/** Asks again, a few times and ever later, while Modal throttles. Without this the SDK gives up at once. */
export async function unlessThrottled<T>(ask: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, random } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (attempt >= TRIES || !throttledBefore(error)) throw error;
      const ms = Math.min(FIRST_MS * 2 ** attempt, MOST_MS) * (0.5 + random());
      await sleep(ms, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** Also where it was put in our words already. */
function throttledBefore(error: unknown): boolean {
  return isThrottled(error) || (error instanceof Error && isThrottled(error.cause));
}
