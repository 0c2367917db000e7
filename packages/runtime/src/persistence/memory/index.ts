import { DEFAULT_PROFILE, RuntimeError, toRuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { guardedCall, guardedStore, type StoreGuard } from "../guarded-store.ts";
import { keptProfiles, type ProfileRows } from "../kept-profiles.ts";
import { MemoryCluster } from "../memory-cluster.ts";
import { MemorySessions, memoryStore } from "../memory-store.ts";
import { checkedProfiles, nineMethods, type RawTranscripts } from "../nine-methods.ts";
import type { PersistenceAdapter } from "../port.ts";
import type { SessionStore } from "../session-store.ts";
import { notOpen } from "../store-errors.ts";

export interface MemoryPersistenceOptions {
  /** The profile `default` where absent. */
  readonly profiles?: readonly AgentProfile[];
  /** A memory that several adapters, and so several runtimes of this process, have in common. Absent: one of its own. */
  readonly memory?: SharedMemory;
}

export interface SharedMemoryOptions {
  /** The memory's clock, in milliseconds: leases and answers end by it. It must never go back. */
  readonly now?: () => number;
}

/** What several adapters of one process have in common; their stores are one cluster. Made by `sharedMemory`. */
export interface SharedMemory {
  /** What would be rows elsewhere: of sessions and all that belongs to them, commands and answers. */
  readonly size: number;
}

/** Made by `sharedMemory` alone. */
class Memory implements SharedMemory {
  readonly sessions = new MemorySessions();
  readonly profiles = new Map<string, AgentProfile>();
  readonly cluster: MemoryCluster;
  constructor(now: () => number) {
    this.cluster = new MemoryCluster(this.sessions, now);
  }
  get size(): number {
    return this.sessions.all().reduce((sum, session) => sum + session.size, this.cluster.size);
  }
}

/**
 * A memory for several adapters: `memoryPersistence({ memory })` in each of several runtimes makes them nodes of one
 * cluster, in one process. For tests: it shows what a database shared by several servers does.
 */
export function sharedMemory(options: SharedMemoryOptions = {}): SharedMemory {
  return new Memory(options.now ?? (() => performance.now()));
}

/** Keeps everything in this process's memory: gone when the process ends, still there after `close()` and `open()`. */
export function memoryPersistence(
  options: MemoryPersistenceOptions = {},
): PersistenceAdapter & { readonly store: SessionStore } {
  const profiles = checkedProfiles(options.profiles ?? [DEFAULT_PROFILE]);
  const { memory } = options;
  if (memory !== undefined && !(memory instanceof Memory)) throw notShared();
  const sessions = memory?.sessions ?? new MemorySessions();
  const kept = memory?.profiles ?? new Map<string, AgentProfile>();
  let closed = false;
  const guard: StoreGuard = {
    check: () => {
      if (closed) throw notOpen();
    },
    explain: (error) => toRuntimeError(error, "persistence_unavailable"),
  };
  const store = guardedStore(memoryStore(sessions, memory?.cluster), guard);
  const call = guardedCall(guard);
  const raw = memoryRawTranscripts(sessions);
  return {
    ...nineMethods({ store, profiles, rawTranscripts: { save: call(raw.save), load: call(raw.load) } }),
    ...keptProfiles(profiles, memoryProfiles(kept), guard),
    store,
    open: async () => {
      closed = false;
    },
    close: async () => {
      closed = true;
    },
  };
}

function memoryProfiles(kept: Map<string, AgentProfile>): ProfileRows {
  const put = (profile: AgentProfile): void => void kept.set(profile.id, structuredClone(profile));
  return {
    all: async () => [...kept.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    get: async (id) => structuredClone(kept.get(id) ?? null),
    async insert(profile) {
      if (kept.has(profile.id)) return false;
      put(profile);
      return true;
    },
    async update(profile) {
      if (!kept.has(profile.id)) return false;
      put(profile);
      return true;
    },
    remove: async (id) => kept.delete(id),
  };
}

function notShared(): RuntimeError {
  const message = "memory: is not made by sharedMemory()";
  return new RuntimeError("invalid_configuration", message, { field: "memory" });
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
