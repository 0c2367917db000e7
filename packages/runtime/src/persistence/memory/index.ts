import { DEFAULT_PROFILE, toRuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { guardedCall, guardedStore, type StoreGuard } from "../guarded-store.ts";
import { MemorySessions, memoryStore } from "../memory-store.ts";
import { checkedProfiles, nineMethods, type RawTranscripts } from "../nine-methods.ts";
import type { PersistenceAdapter } from "../port.ts";
import type { SessionStore } from "../session-store.ts";
import { notOpen } from "../store-errors.ts";

export interface MemoryPersistenceOptions {
  /** The profile `default` where absent. */
  readonly profiles?: readonly AgentProfile[];
}

/** Keeps everything in this process's memory: gone when the process ends, still there after `close()` and `open()`. */
export function memoryPersistence(
  options: MemoryPersistenceOptions = {},
): PersistenceAdapter & { readonly store: SessionStore } {
  const profiles = checkedProfiles(options.profiles ?? [DEFAULT_PROFILE]);
  const sessions = new MemorySessions();
  let closed = false;
  const guard: StoreGuard = {
    check: () => {
      if (closed) throw notOpen();
    },
    explain: (error) => toRuntimeError(error, "persistence_unavailable"),
  };
  const store = guardedStore(memoryStore(sessions), guard);
  const call = guardedCall(guard);
  const raw = memoryRawTranscripts(sessions);
  return {
    ...nineMethods({ store, profiles, rawTranscripts: { save: call(raw.save), load: call(raw.load) } }),
    store,
    open: async () => {
      closed = false;
    },
    close: async () => {
      closed = true;
    },
  };
}

function memoryRawTranscripts(sessions: MemorySessions): RawTranscripts {
  return {
    save: async (key, text) => {
      const session = sessions.need(key);
      session.rawTranscript = { text, seq: session.lastSeq };
    },
    load: async (key) => sessions.get(key)?.rawTranscript ?? null,
  };
}
