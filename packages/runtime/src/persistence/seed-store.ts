import { RuntimeError, toRuntimeError, type PersistedSessionListData } from "@hhopkins/agent-runtime-protocol";
import { called, checkedReads } from "./adapter-rows.ts";
import { withDeadline } from "./deadline.ts";
import { encodeBatch } from "./encoded-batch.ts";
import { sortTime } from "./list-cursor.ts";
import { MemorySession, NEVER_RUN } from "./memory-session.ts";
import { listPage, memoryReads, MemorySessions } from "./memory-store.ts";
import { DEFAULT_TENANT } from "./nine-methods.ts";
import type { PersistenceAdapter } from "./port.ts";
import { isSavedAtOnce, saveTranscript, writeThrough } from "./seed-session.ts";
import { SeedSync } from "./seed-sync.ts";
import type { AppendBatch, SessionKey, SessionStore } from "./session-store.ts";
import { sessionExists } from "./store-errors.ts";

export interface SeedStoreOptions {
  /** Told, in a sentence, what somebody should know who runs this. */
  readonly warn: (message: string) => void;
  /** The longest that a change may stay unsaved, in milliseconds; 30 s. */
  readonly syncIntervalMs?: number;
  /** For each method of the adapter, in milliseconds; 15 s. */
  readonly timeoutMs?: number;
}

const SYNC_INTERVAL_MS = 30_000;
const TIMEOUT_MS = 15_000;

const KEEPS_NOTHING =
  "The persistence adapter does not give back the session that it was just given: sessions and files stay in memory, until this process ends.";

/** The adapter's own store where it has one, else a store of the nine methods that every adapter has. */
export function storeForAdapter(adapter: PersistenceAdapter, options: SeedStoreOptions): SessionStore {
  return adapter.store ?? new SeedStore(adapter, options).store;
}

/**
 * Sessions in memory, written through to an adapter's nine methods. Records, files, messages, answers and turn ends
 * are saved before a write resolves; the rest of a log within `syncIntervalMs`. For one process only, and for the
 * tenant `default`: the nine methods know of no other.
 */
class SeedStore {
  readonly #adapter: PersistenceAdapter;
  readonly #options: SeedStoreOptions;
  readonly #sessions = new MemorySessions();
  readonly #sync: SeedSync;
  /** The end of each session's last write: the next one of the same session waits for it. */
  readonly #tails = new Map<string, Promise<void>>();
  /** null: no session was created yet. */
  #keeps: boolean | null = null;
  /** What the adapter had when its list was first asked for. */
  #earlier: readonly PersistedSessionListData[] | null = null;

  constructor(adapter: PersistenceAdapter, options: SeedStoreOptions) {
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    // What comes late may be older than what was saved meanwhile.
    const onLate = (sessionId: string): void => this.#sync.changed(sessionId);
    this.#adapter = { ...timedWrites(adapter, { timeoutMs, onLate }), ...checkedReads(adapter, timeoutMs) };
    this.#options = options;
    this.#sync = new SeedSync({
      intervalMs: options.syncIntervalMs ?? SYNC_INTERVAL_MS,
      warn: options.warn,
      save: (sessionId) => this.#inTurn(sessionId, () => this.#saveTranscript(sessionId)),
    });
  }

  get store(): SessionStore {
    const reads = memoryReads(this.#sessions);
    return {
      ...reads,
      head: async (key) => (await reads.head(key)) ?? (await this.#headOfUnloaded(key)),
      list: async (query) => await this.#list(query),
      create: (session) => this.#inTurn(session.sessionId, () => this.#create(session)),
      append: async (batches) => await this.#append(batches),
      // In memory: the transcript that is saved next is shorter.
      compact: (key, compaction) =>
        this.#inTurn(key.sessionId, async () => this.#sessions.get(key)?.compact(compaction)),
      delete: (key) => this.#inTurn(key.sessionId, () => this.#delete(key)),
      flush: () => this.#sync.flush(),
    };
  }

  async #create(given: Parameters<SessionStore["create"]>[0]): Promise<void> {
    const { tenant, sessionId, logId, first } = given;
    if (tenant !== DEFAULT_TENANT) {
      const message = "This persistence adapter knows no tenants: use one that has a store, such as SQLite.";
      throw new RuntimeError("not_supported", message);
    }
    if (this.#sessions.get(given) !== null) throw sessionExists(sessionId);
    const record = { ...given.record, ...first.record, sessionId };
    const batch = encodeBatch({ ...first, tenant, sessionId, expectedSeq: 0 });
    const session = new MemorySession({ tenant, record, logId });
    session.check(batch);
    await called("createSessionRecord", () => this.#adapter.createSessionRecord(record));
    this.#keeps ??= await this.#probe(sessionId);
    await writeThrough(this.#adapter, { session, batch, given: { files: first.files } });
    session.apply(batch);
    this.#sessions.add(session);
  }

  /** Whether the adapter gives back what it was given. */
  async #probe(sessionId: string): Promise<boolean> {
    const keeps = (await this.#adapter.loadSession(sessionId)) !== null;
    if (!keeps) this.#options.warn(KEEPS_NOTHING);
    return keeps;
  }

  /** Batches of one session in order, those of different sessions side by side. */
  async #append(batches: readonly AppendBatch[]): Promise<(Error | null)[]> {
    return await Promise.all(
      batches.map((batch) =>
        this.#inTurn(batch.sessionId, () => this.#appendOne(batch)).then(
          () => null,
          (error: unknown) => toRuntimeError(error, "persistence_unavailable"),
        ),
      ),
    );
  }

  async #appendOne(given: AppendBatch): Promise<void> {
    const batch = encodeBatch(given);
    const session = this.#sessions.need(given);
    session.check(batch);
    const write = { session, batch, given };
    await writeThrough(this.#adapter, write);
    session.apply(batch);
    if (isSavedAtOnce(write)) this.#sync.saved(session.sessionId);
    else if (batch.events.length + batch.transcript.length > 0) this.#sync.changed(session.sessionId);
  }

  async #saveTranscript(sessionId: string): Promise<void> {
    const session = this.#sessions.get({ tenant: DEFAULT_TENANT, sessionId });
    if (session !== null) await saveTranscript(this.#adapter, session);
    this.#sync.saved(sessionId);
  }

  async #list({ tenant, ...page }: Parameters<SessionStore["list"]>[0]): ReturnType<SessionStore["list"]> {
    const here = this.#sessions.ofTenant(tenant);
    if (tenant !== DEFAULT_TENANT) return listPage(here, page);
    this.#earlier ??= await this.#adapter.listAllSessions();
    const others = this.#earlier
      .filter(({ sessionId }) => this.#sessions.get({ tenant, sessionId }) === null)
      .map((record) => ({ sessionId: record.sessionId, sortAt: sortTime(record), record, runtime: NEVER_RUN }));
    return listPage([...here, ...others], page);
  }

  /** A session that an earlier process made: it must not look as if it were none, nor be begun anew over what is kept. */
  async #headOfUnloaded({ tenant, sessionId }: SessionKey): Promise<null> {
    if (tenant !== DEFAULT_TENANT || (await this.#adapter.loadSession(sessionId)) === null) return null;
    const message = `Session ${sessionId} was made by an earlier process; a persistence adapter with only the nine methods cannot bring it back yet.`;
    throw new RuntimeError("not_supported", message);
  }

  async #delete(key: SessionKey): Promise<void> {
    if (this.#sessions.get(key) === null) await this.#headOfUnloaded(key);
    else if (this.#keeps === true) {
      throw new RuntimeError("not_supported", "This persistence adapter has no method to delete a session.");
    }
    this.#sessions.remove(key);
    this.#sync.saved(key.sessionId);
  }

  async #inTurn<T>(sessionId: string, write: () => Promise<T>): Promise<T> {
    const result = (this.#tails.get(sessionId) ?? Promise.resolve()).then(write);
    const tail = result.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(sessionId, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(sessionId) === tail) this.#tails.delete(sessionId);
    }
  }
}

/** The writing methods of an adapter, which may be an instance of a class, each with a deadline. */
function timedWrites(
  adapter: PersistenceAdapter,
  { timeoutMs, onLate }: { timeoutMs: number; onLate: (sessionId: string) => void },
): Omit<PersistenceAdapter, keyof ReturnType<typeof checkedReads>> {
  const timed = async (sessionId: string, writing: Promise<void>): Promise<void> => {
    const late = (): Error => {
      writing.then(() => onLate(sessionId)).catch(() => undefined);
      return new Error(`no answer within ${timeoutMs} ms`);
    };
    await withDeadline(writing, timeoutMs, late);
  };
  return {
    createSessionRecord: (session) => timed(session.sessionId, adapter.createSessionRecord(session)),
    updateSessionRecord: (id, updates) => timed(id, adapter.updateSessionRecord(id, updates)),
    saveTranscript: (id, text) => timed(id, adapter.saveTranscript(id, text)),
    saveWorkspaceFile: (id, file) => timed(id, adapter.saveWorkspaceFile(id, file)),
    deleteSessionFile: (id, path) => timed(id, adapter.deleteSessionFile(id, path)),
  };
}
