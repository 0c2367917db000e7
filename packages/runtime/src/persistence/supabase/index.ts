import { DEFAULT_PROFILE, RuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { guardedCall, guardedStore, type StoreGuard } from "../guarded-store.ts";
import { checkedProfiles, nineMethods, type RawTranscripts } from "../nine-methods.ts";
import type { PersistenceAdapter } from "../port.ts";
import type { SessionStore } from "../session-store.ts";
import { notOpen } from "../store-errors.ts";
import {
  loadCreateClient,
  rpcOf,
  serverClient,
  type CreateClient,
  type Rpc,
  type SupabaseClientLike,
} from "./client.ts";
import { supabaseCluster } from "./cluster.ts";
import { openingError, supabaseError } from "./errors.ts";
import { checkInstalled } from "./installed.ts";
import { supabaseReads } from "./reads.ts";
import { finishRemovals, supabaseRawTranscripts, supabaseWrites } from "./writes.ts";

export type { SupabaseClientLike } from "./client.ts";
export { copySupabaseMigrations, type CopiedMigration } from "./migrations.ts";

/** Where the project is: its address and a key, or a client of supabase-js that you have made. */
export type SupabasePersistenceOptions = SupabaseSettings & (SupabaseProject | SupabaseClientOption);

export interface SupabaseSettings {
  /** The exposed schema that has the functions; `public` where absent. */
  readonly schema?: string;
  /**
   * Whether many servers may share the project: the default. With a tenant's token it must be `false`, and then one
   * server alone may use what that token sees.
   */
  readonly cluster?: boolean;
  /** The profile `default` where absent. */
  readonly profiles?: readonly AgentProfile[];
}

export interface SupabaseProject {
  readonly url: string;
  /** The secret (service) key: of the server alone, never of a page. */
  readonly key: string;
  /** For each call, in milliseconds; default 30 000. */
  readonly callTimeoutMs?: number;
  readonly client?: never;
}

export interface SupabaseClientOption {
  readonly client: SupabaseClientLike;
  readonly url?: never;
  readonly key?: never;
  readonly callTimeoutMs?: never;
}

/**
 * Keeps sessions in a Supabase project, through its REST interface and the optional package `@supabase/supabase-js`. Its
 * migrations must have been applied: see `copySupabaseMigrations`. With the secret (service) key for all tenants; with a
 * tenant's token (a `client` that has it) for that tenant alone, and others are refused with `not_supported`.
 * `open()` rejects with `missing_dependency`, `invalid_configuration` (address, key, schema), `data_dir_unusable` (our
 * migrations are not there, or are others) or `persistence_unavailable`, as whatever fails later is.
 */
export function supabasePersistence(
  options: SupabasePersistenceOptions,
  load: () => Promise<CreateClient> = loadCreateClient,
): PersistenceAdapter & { readonly store: SessionStore } {
  const where = checkedAddress(options);
  const profiles = checkedProfiles(options.profiles ?? [DEFAULT_PROFILE]);
  let opened: Rpc | null = null;
  const need = (): Rpc => {
    if (opened === null) throw notOpen();
    return opened;
  };
  const rpc: Rpc = (name, args) => need()(name, args);
  const explain = (error: unknown): RuntimeError => supabaseError(error, where);
  const guard: StoreGuard = { check: () => void need(), explain };
  const shared = options.cluster === false ? {} : { cluster: supabaseCluster(rpc) };
  const store = guardedStore({ ...supabaseReads(rpc), ...supabaseWrites(rpc, explain), ...shared }, guard);
  return {
    ...nineMethods({ store, profiles, rawTranscripts: guardedTranscripts(supabaseRawTranscripts(rpc), guard) }),
    store,
    open: async () => {
      opened ??= await open(options, { where, load });
    },
    close: async () => {
      opened = null;
    },
  };
}

function guardedTranscripts({ save, load }: RawTranscripts, guard: StoreGuard): RawTranscripts {
  const call = guardedCall(guard);
  return { save: call(save), load: call(load) };
}

/** What errors call the project. Throws `invalid_configuration`. */
function checkedAddress({ client, url, key, schema, callTimeoutMs = 1 }: SupabasePersistenceOptions): string {
  if (!Number.isSafeInteger(callTimeoutMs) || callTimeoutMs < 1) {
    throw wrong("callTimeoutMs", "must be a whole number of milliseconds, at least 1");
  }
  if (schema === "") throw wrong("schema", "is empty: name the exposed schema, or leave it away");
  if (client !== undefined) return "Supabase";
  if (typeof url !== "string" || !/^https?:\/\/[^/]/.test(url) || !URL.canParse(url)) {
    throw wrong("url", "is no address: give the project's, such as https://abc.supabase.co");
  }
  if (typeof key !== "string" || key === "") throw wrong("key", "is missing: give the project's secret (service) key");
  return `Supabase at ${new URL(url).origin}`;
}

function wrong(field: string, text: string): RuntimeError {
  return new RuntimeError("invalid_configuration", `${field}: ${text}`, { field });
}

async function open(
  options: SupabasePersistenceOptions,
  { where, load }: { where: string; load: () => Promise<CreateClient> },
): Promise<Rpc> {
  const client = options.client ?? serverClient(await load(), options);
  const rpc = rpcOf(client, options.schema ?? "public");
  try {
    checkInstalled(await rpc("installed"), { where, cluster: options.cluster !== false });
    await finishRemovals(rpc);
  } catch (error) {
    throw openingError(error, where);
  }
  return rpc;
}
