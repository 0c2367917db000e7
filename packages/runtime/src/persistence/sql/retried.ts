import { setTimeout as sleep } from "node:timers/promises";

/** Several writers of one row may each take another's place a few times; more says that something is wrong. */
const TRIES = 6;
const FIRST_PAUSE_MS = 5;

/** Does work that leaves nothing where it fails again, as long as it failed only because of others who wrote meanwhile. */
export async function retried<T>(isTransient: (error: unknown) => boolean, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === TRIES || !isTransient(error)) throw error;
      // Apart from each other, or they meet again.
      await sleep(Math.random() * FIRST_PAUSE_MS * 2 ** tries);
    }
  }
}
