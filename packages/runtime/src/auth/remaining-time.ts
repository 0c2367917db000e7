import type { Principal } from "./principal.ts";

/** The longest time that a timer takes: what would last longer ends then, and its client comes back. */
const LONGEST_MS = 2 ** 31 - 1;

/** Milliseconds for which a principal may still follow anything. */
export function remainingMs({ expiresAt = Infinity }: Principal, now: number = Date.now()): number {
  return Math.max(0, Math.min(LONGEST_MS, expiresAt - now));
}
