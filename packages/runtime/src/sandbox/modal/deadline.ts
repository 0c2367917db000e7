import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { explainModalError } from "./remedy.ts";

/**
 * Waits for a request to Modal, bounded by us. What comes too late is nobody's any more, or `onLate`'s. Rejects in our
 * words, or with the signal's reason.
 */
export async function unlessLate<T>(
  work: Promise<T>,
  limit: { readonly timeoutMs: number; readonly signal?: AbortSignal; readonly onLate?: (made: T) => void },
): Promise<T> {
  const { timeoutMs, signal, onLate } = limit;
  const given = Promise.withResolvers<never>();
  const late = new RuntimeError("sandbox_unavailable", `Modal did not answer within ${timeoutMs} ms. Try again later.`);
  let over = false;
  const timer = setTimeout(() => given.reject(late), timeoutMs);
  const onAbort = (): void => given.reject(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  work.then(
    (made) => {
      if (over) onLate?.(made);
    },
    () => undefined,
  );
  try {
    return await Promise.race([work, given.promise]);
  } catch (error) {
    over = true;
    throw error === late || signal?.aborted === true ? error : explainModalError(error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
