import { RuntimeError, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import { called, checkedReads } from "./adapter-rows.ts";
import { withDeadline } from "./deadline.ts";
import { encodeBatch } from "./encoded-batch.ts";
import { MemorySession } from "./memory-session.ts";
import { memoryReads } from "./memory-store.ts";
import { DEFAULT_TENANT } from "./nine-methods.ts";
import type { PersistenceAdapter } from "./port.ts";
import { saveTranscript, isSavedAtOnce, writeThrough, type SeedWrite } from "./seed-session.ts";
import { isAtRest, SeedSessions } from "./seed-sessions.ts";
import { SeedSync } from "./seed-sync.ts";
import { listPage } from "./session-list.ts";
import type { AppendBatch, RunnerCursor, SessionKey, SessionStore } from "./session-store.ts";
import { noSession, sessionExists } from "./store-errors.ts";

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
 * Sessions in memory, written through to an adapter's nine methods, and brought back from them. Records, files,
 * messages, answers and turn ends are saved before a write resolves; the rest of a log within `syncIntervalMs`. For one
 * process only, and for the tenant `default`: the nine methods know of no other.
 */
class SeedStore {
  readonly #adapter: PersistenceAdapter;
  readonly #options: SeedStoreOptions;
  readonly #sessions: SeedSessions;
  readonly #sync: SeedSync;
  /** The end of each session's last write: the next one of the same session waits for it. */
  readonly #tails = new Map<string, Promise<void>>();
  /** Up to which entry of its runner what is saved of a session goes. */
  readonly #saved = new Map<string, RunnerCursor | null>();
  /** null: no session was created yet. */
  #keeps: boolean | null = null;

  constructor(adapter: PersistenceAdapter, options: SeedStoreOptions) {
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    // What comes late may be older than what was saved meanwhile.
    const onLate = (sessionId: string): void => this.#sync.changed(sessionId);
    this.#adapter = { ...timedWrites(adapter, { timeoutMs, onLate }), ...checkedReads(adapter, timeoutMs) };
    this.#options = options;
    this.#sessions = new SeedSessions(this.#adapter, (sessionId) => this.#sync.changed(sessionId));
    this.#sync = new SeedSync({
      intervalMs: options.syncIntervalMs ?? SYNC_INTERVAL_MS,
      warn: options.warn,
      save: (sessionId) => this.#inTurn(sessionId, () => this.#saveTranscript(sessionId)),
    });
  }

  get store(): SessionStore {
    const sessions = this.#sessions;
    const reads = memoryReads(sessions.memory);
    /** A read of a session that is in memory by then. */
    const read =
      <A extends readonly unknown[], R>(method: (key: SessionKey, ...args: A) => Promise<R>) =>
      async (key: SessionKey, ...args: A): Promise<R> => {
        await sessions.get(key);
        return await method(key, ...args);
      };
    const iterate = <A extends readonly unknown[], R>(method: (key: SessionKey, ...args: A) => AsyncIterable<R>) =>
      async function* iterated(key: SessionKey, ...args: A): AsyncGenerator<R> {
        await sessions.get(key);
        yield* method(key, ...args);
      };
    return {
      head: read(reads.head),
      events: read(reads.events),
      blocks: read(reads.blocks),
      block: read(reads.block),
      files: read(reads.files),
      checkpoints: () => Promise.reject(noCheckpoints()),
      filesAt: read(reads.filesAt),
      blob: iterate(reads.blob),
      blobSize: read(reads.blobSize),
      transcript: iterate(reads.transcript),
      message: read(reads.message),
      list: async ({ tenant, ...page }) => listPage(tenant === DEFAULT_TENANT ? await sessions.listed() : [], page),
      claimed: async () => {
        await sessions.restoreClaimed(new Date());
        return await reads.claimed();
      },
      create: (session) => this.#inTurn(session.sessionId, () => this.#create(session)),
      append: async (batches) => await this.#append(batches),
      // In memory: the transcript that is saved next is shorter.
      compact: (key, compaction) =>
        this.#inTurn(key.sessionId, async () => (await sessions.get(key))?.compact(compaction)),
      delete: (key) => this.#inTurn(key.sessionId, () => this.#delete(key)),
      flush: () => this.#sync.flush(),
      savedCursor: ({ sessionId }) => this.#saved.get(sessionId) ?? null,
    };
  }

  async #create(given: Parameters<SessionStore["create"]>[0]): Promise<void> {
    const { tenant, sessionId, logId, first } = given;
    if (tenant !== DEFAULT_TENANT) {
      const message = "This persistence adapter knows no tenants: use one that has a store, such as SQLite.";
      throw new RuntimeError("not_supported", message);
    }
    if ((await this.#sessions.get(given)) !== null) throw sessionExists(sessionId);
    const record = { ...given.record, ...first.record, sessionId };
    const batch = encodeBatch({ ...first, tenant, sessionId, expectedSeq: 0 });
    const session = new MemorySession({ tenant, record, logId });
    session.check(batch);
    await called("createSessionRecord", () => this.#adapter.createSessionRecord(record));
    this.#keeps ??= await this.#probe(sessionId);
    await this.#write({ session, batch, given: { files: first.files } });
    this.#sessions.memory.add(session);
    this.#settled(session);
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
    const session = await this.#sessions.get(given);
    if (session === null) throw noSession(given.sessionId);
    session.check(batch);
    this.#sessions.works(session.sessionId);
    await this.#write({ session, batch, given });
    this.#settled(session);
  }

  async #write(write: SeedWrite): Promise<void> {
    const { session, batch } = write;
    const { sessionId } = session;
    await writeThrough(this.#adapter, write);
    if (isSavedAtOnce(write)) this.#noteSaved(sessionId, await saveTranscript(this.#adapter, session, batch));
    else if (batch.events.length + batch.transcript.length > 0) this.#sync.changed(sessionId);
    session.apply(batch);
  }

  #noteSaved(sessionId: string, cursor: RunnerCursor | null): void {
    this.#saved.set(sessionId, cursor);
    this.#sync.saved(sessionId);
  }

  /** What nobody runs, and is saved as a whole, may leave the memory. */
  #settled(session: MemorySession): void {
    if (this.#keeps === false || !isAtRest(session)) return;
    this.#saved.delete(session.sessionId);
    this.#sessions.rests(session);
  }

  async #saveTranscript(sessionId: string): Promise<void> {
    const session = this.#sessions.memory.get({ tenant: DEFAULT_TENANT, sessionId });
    if (session === null) return this.#sync.saved(sessionId);
    this.#noteSaved(sessionId, await saveTranscript(this.#adapter, session));
    this.#settled(session);
  }

  async #delete(key: SessionKey): Promise<void> {
    const known = await this.#sessions.get(key);
    if (known !== null && this.#keeps !== false) {
      throw new RuntimeError("not_supported", "This persistence adapter has no method to delete a session.");
    }
    this.#sessions.remove(key.sessionId);
    this.#saved.delete(key.sessionId);
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

/** The nine methods keep files as they are now, and no turn's end. */
function noCheckpoints(): RuntimeError {
  const message =
    "This persistence adapter keeps no checkpoints, so its sessions cannot be forked or rewound: use one that has a store, such as SQLite.";
  return new RuntimeError("not_supported", message);
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
