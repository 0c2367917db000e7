import { setTimeout as delay } from "node:timers/promises";

export { withDeadline } from "../persistence/deadline.ts";

/** For work to end that was told to, and that nobody waits for. */
const LATE_MS = 5_000;

/** Resolves when the work has ended, however; it is not waited for much longer. */
export async function settledSoon(work: Promise<unknown>): Promise<void> {
  await Promise.race([work.catch(() => undefined), delay(LATE_MS, undefined, { ref: false })]);
}

/** Rejects when `signal` fires, also for work that does not listen to it; what that work brings later goes to `onLate`. */
export function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  onLate: (late: T) => Promise<void>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error);
      work.then(onLate).catch(() => undefined);
    };
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
