import { DEFAULT_PROFILE, RuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { guardedCall, guardedStore, type StoreGuard } from "../guarded-store.ts";
import { checkedProfiles, nineMethods } from "../nine-methods.ts";
import type { PersistenceAdapter } from "../port.ts";
import type { SessionStore } from "../session-store.ts";
import { notOpen } from "../store-errors.ts";
import { convexCalls, loadConvex, type ConvexCalls, type ConvexPackage } from "./client.ts";
import { convexCluster } from "./cluster.ts";
import { convexError } from "./errors.ts";
import { convexReads } from "./reads.ts";
import { checkVersion } from "./version.ts";
import { convexRawTranscripts, convexWrites, finishRemovals } from "./writes.ts";

export { copyConvexFunctions, type CopiedFunctions, type CopyConvexFunctionsOptions } from "./copy.ts";

export interface ConvexPersistenceOptions {
  /** Of the deployment, such as `https://happy-animal-123.convex.cloud`. */
  readonly url: string;
  /** What the deployment has as its environment variable `AGENT_RUNTIME_SECRET`; 32 characters or more. */
  readonly secret: string;
  /** The profile `default` where absent. */
  readonly profiles?: readonly AgentProfile[];
  /**
   * Several servers share the deployment. Each asks it all the time, and Convex counts every call: so it is not the
   * default, and a longer `cluster.pollMs` of the runtime is worth a thought.
   */
  readonly cluster?: boolean;
}

const LEAST_SECRET = 32;

/**
 * Keeps sessions in a Convex deployment, through the optional package `convex` and functions that
 * `agent-runtime convex-functions` copies. Throws `invalid_configuration` for a wrong option; `open()` rejects with
 * `missing_dependency`, `invalid_configuration` or `persistence_unavailable`, and later failures are
 * `persistence_unavailable`, but for a record that is too large (`payload_too_large`).
 */
export function convexPersistence(
  options: ConvexPersistenceOptions,
  load: () => Promise<ConvexPackage> = loadConvex,
): PersistenceAdapter & { readonly store: SessionStore } {
  const { url, secret } = checkedOptions(options);
  const profiles = checkedProfiles(options.profiles ?? [DEFAULT_PROFILE]);
  let opened: ConvexCalls | null = null;
  const need = (): ConvexCalls => {
    if (opened === null) throw notOpen();
    return opened;
  };
  const calls: ConvexCalls = {
    query: (choose, args) => need().query(choose, args),
    mutation: (choose, args) => need().mutation(choose, args),
  };
  const guard: StoreGuard = { check: () => void need(), explain: (error) => convexError(error, url) };
  const cluster = options.cluster === true ? { cluster: convexCluster(calls) } : {};
  const store = guardedStore({ ...convexReads(calls), ...convexWrites(calls), ...cluster }, guard);
  const call = guardedCall(guard);
  const raw = convexRawTranscripts(calls);
  return {
    ...nineMethods({ store, profiles, rawTranscripts: { save: call(raw.save), load: call(raw.load) } }),
    store,
    open: async () => {
      if (opened !== null) return;
      const fresh = convexCalls(await load(), { url, secret });
      await checkVersion(fresh, url);
      await finishRemovals(fresh);
      opened = fresh;
    },
    close: async () => {
      opened = null;
    },
  };
}

function checkedOptions({ url, secret }: ConvexPersistenceOptions): { url: string; secret: string } {
  const protocol = URL.canParse(url) ? new URL(url).protocol : "";
  if (protocol !== "https:" && protocol !== "http:") throw wrong("url", `is no address: ${JSON.stringify(url)}`);
  if (typeof secret !== "string" || secret.length < LEAST_SECRET) {
    throw wrong("secret", `must have ${LEAST_SECRET} characters or more, as the deployment's AGENT_RUNTIME_SECRET`);
  }
  return { url: url.replace(/\/+$/, ""), secret };
}

function wrong(field: string, what: string): RuntimeError {
  return new RuntimeError("invalid_configuration", `convexPersistence: ${field}: ${what}`, { field });
}
