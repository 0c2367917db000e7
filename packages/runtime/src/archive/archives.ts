import { RuntimeError, type ForkSessionBody, type SessionState } from "@hhopkins/agent-runtime-protocol";
import type { Principal } from "../auth/principal.ts";
import { forkSession, type ForkParts } from "./fork-session.ts";
import { importInto, type ImportOptions, type ImportTarget } from "./import-session.ts";
import { sessionArchive } from "./session-archive.ts";

/** Sessions as archives, and copies of them, for a principal and inside its tenant. */
export interface SessionArchives {
  /** Rejects at once where there is no such session. */
  export(principal: Principal, sessionId: string): Promise<AsyncIterable<Uint8Array>>;
  import(principal: Principal, archive: AsyncIterable<Uint8Array>, options: ImportOptions): Promise<SessionState>;
  fork(principal: Principal, sessionId: string, body: ForkSessionBody): Promise<SessionState>;
}

export function createSessionArchives(
  parts: ForkParts &
    Pick<ImportTarget, "profiles" | "boundSecrets"> & {
      /** A session is there that somebody brought, or copied. */
      readonly onImported: (tenant: string, state: SessionState) => void;
    },
): SessionArchives {
  return {
    async export({ tenant }, sessionId) {
      const key = { tenant, sessionId };
      if ((await parts.store.head(key)) === null)
        throw new RuntimeError("session_not_found", `There is no session ${sessionId}.`);
      return sessionArchive(parts.store, key);
    },
    async import({ tenant }, archive, options) {
      const state = await importInto({ ...parts, tenant }, archive, options);
      parts.onImported(tenant, state);
      return state;
    },
    async fork({ tenant }, sessionId, body) {
      const state = await forkSession(parts, { tenant, sessionId }, body);
      parts.onImported(tenant, state);
      return state;
    },
  };
}
