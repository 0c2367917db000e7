export interface Backoff {
  /** Milliseconds before the second attempt in a row; the first goes at once. */
  readonly initialMs: number;
  readonly maxMs: number;
}

export const BACKOFF: Backoff = { initialMs: 250, maxMs: 10_000 };

/** Milliseconds to wait before attempt `n` (0 is the first): doubling, with half of it left to chance. */
export function waitBefore(attempt: number, backoff: Backoff, random: () => number): number {
  if (attempt === 0) return 0;
  const full = Math.min(backoff.maxMs, backoff.initialMs * 2 ** (attempt - 1));
  return full / 2 + (full / 2) * random();
}

/** Resolves after `ms`, or at once when `signal` fires, or when `wakes` says `wake`. */
export function pause(ms: number, signal: AbortSignal, wakes?: EventTarget): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      wakes?.removeEventListener("wake", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    wakes?.addEventListener("wake", done);
  });
}
