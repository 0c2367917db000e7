import { toRuntimeError, type RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { withDeadline } from "./deadline.ts";
import type { SessionParts } from "./session-parts.ts";

/** A probe of readiness must not wait as long as a write may. */
const PROBE_MS = 2000;

/** `ok`, or what is wrong with the store and since when. However often it is asked, the store is asked once at a time. */
export function storeReadiness(
  { store, health, now }: Pick<SessionParts, "store" | "health" | "now">,
  sessionFailure: () => RuntimeError | undefined,
): () => Promise<string> {
  let since: Date | undefined;
  let asking: Promise<unknown> | undefined;
  const ask = async (): Promise<RuntimeError | undefined> => {
    asking ??= store.list({ tenant: "default", limit: 1 }).finally(() => (asking = undefined));
    const late = (): Error => new Error(`The store did not answer within ${PROBE_MS} ms.`);
    return withDeadline(asking, PROBE_MS, late).then(sessionFailure, (error: unknown) =>
      toRuntimeError(error, "persistence_unavailable"),
    );
  };
  return async () => {
    const { fault } = health;
    const failure = fault?.error ?? (await ask());
    since = failure === undefined ? undefined : (fault?.since ?? since ?? now());
    return failure === undefined || since === undefined ? "ok" : `${failure.message} (since ${since.toISOString()})`;
  };
}
