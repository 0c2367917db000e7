import { randomUUID } from "node:crypto";
import { DEFAULT_TENANT } from "../auth/principal.ts";
import type { BoundSecrets } from "../gateway/port.ts";
import { checkedReads } from "../persistence/adapter-rows.ts";
import type { PersistenceAdapter } from "../persistence/port.ts";
import { storeForAdapter } from "../persistence/seed-store.ts";
import { allProfiles } from "../profiles/all-profiles.ts";
import type { ProfileSource } from "../profiles/port.ts";
import { importInto, type ImportOptions } from "./import-session.ts";
import { sessionArchive } from "./session-archive.ts";

export type { ImportOptions } from "./import-session.ts";

export interface ImportSessionOptions extends ImportOptions {
  readonly tenant?: string;
  /** More profiles, before those of the adapter, as `createAgentRuntime` has them. */
  readonly profiles?: ProfileSource;
  /** Secrets that the archive's own profile may name, with their hosts, as `createAgentRuntime` has them. Default: none. */
  readonly boundSecrets?: BoundSecrets;
}

const quiet = { warn: () => undefined };

/**
 * A session of an opened adapter as an archive: gzipped lines of JSON, made while it is read. With `importSession` it
 * goes from any store into any other. Rejects with `session_not_found` at the first read. No server may be running on an
 * adapter that has the nine methods alone: use `GET /sessions/:id/export` there.
 */
export function exportSession(
  adapter: PersistenceAdapter,
  sessionId: string,
  { tenant = DEFAULT_TENANT }: { tenant?: string } = {},
): AsyncIterable<Uint8Array> {
  return sessionArchive(storeForAdapter(adapter, quiet), { tenant, sessionId });
}

/**
 * Makes a session of an archive, or of a transcript of Claude Code (JSONL), in an opened adapter; both can be gzipped.
 * Answers with its id. Nothing of a damaged archive is written. Rejects with `invalid_request` that names the line,
 * `payload_too_large`, `conflict` where the id is taken, `unknown_profile`, `unknown_architecture`; of the archive's own
 * profile, which it gets where the adapter has none of its id, `invalid_profile` and `forbidden`.
 */
export async function importSession(
  adapter: PersistenceAdapter,
  archive: AsyncIterable<Uint8Array>,
  { tenant = DEFAULT_TENANT, boundSecrets = {}, profiles: source, ...options }: ImportSessionOptions = {},
): Promise<{ readonly sessionId: string }> {
  const store = storeForAdapter(adapter, quiet);
  const profiles = allProfiles(checkedReads(adapter), source);
  const parts = {
    store,
    tenant,
    newId: randomUUID,
    now: () => new Date(),
    profiles,
    boundSecrets,
  };
  const { sessionId } = await importInto(parts, archive, options);
  await store.flush?.();
  return { sessionId };
}
