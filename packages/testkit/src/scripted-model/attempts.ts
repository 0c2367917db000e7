import { createHash } from "node:crypto";

/** Counts tries by key. The oldest keys are forgotten beyond the limit, so memory stays bounded. */
export interface Attempts {
  /** Counts one more try and returns how many there were before. */
  next(key: readonly unknown[]): number;
}

/**
 * The only state of the endpoint: it serves `times` of a step, which a conversation cannot tell (a failed try leaves no trace in it).
 * The key holds the harness's session, the text with the script, its place, and the step.
 */
export function createAttempts(limit = 10_000): Attempts {
  const counts = new Map<string, number>();
  return {
    next(key) {
      const hash = createHash("sha256").update(JSON.stringify(key)).digest("base64");
      const before = counts.get(hash) ?? 0;
      counts.delete(hash);
      counts.set(hash, before + 1);
      const oldest = counts.keys().next();
      if (counts.size > limit && !oldest.done) counts.delete(oldest.value);
      return before;
    },
  };
}
