import { randomUUID } from "node:crypto";
import type { PersistedSessionListData } from "@hhopkins/agent-runtime-protocol";
import { sortTime } from "./list-cursor.ts";
import type { MemorySession } from "./memory-session.ts";
import { MemorySessions } from "./memory-store.ts";
import { DEFAULT_TENANT } from "./nine-methods.ts";
import type { PersistenceAdapter } from "./port.ts";
import { restoredSession } from "./seed-restore.ts";
import type { Listed } from "./session-list.ts";
import { NEVER_RUN } from "./session-overview.ts";
import type { SessionKey, SessionOverview } from "./session-store.ts";

/** Sessions that nobody runs and that stay in memory all the same, for whoever asks again. */
const RESTING = 100;
const RESTORED_AT_ONCE = 8;
/** A runner waits for a server for a day; whatever was asked of an older session waits until somebody opens it. */
const CLAIMED_MS = 25 * 60 * 60_000;

/** Sessions of an adapter with the nine methods: those in memory, and the others, which come when they are asked for. */
export class SeedSessions {
  readonly #adapter: Pick<PersistenceAdapter, "listAllSessions" | "loadSession">;
  readonly memory = new MemorySessions();
  readonly #restoring = new Map<string, Promise<void>>();
  /** Records of sessions that are not in memory; null: the adapter was not asked yet. */
  #others: Map<string, PersistedSessionListData> | null = null;
  /** What lists show of those that were in memory. */
  readonly #left = new Map<string, SessionOverview>();
  /** Those that can leave the memory, the one used longest ago first. */
  readonly #resting = new Set<string>();

  readonly #onChanged: (sessionId: string) => void;

  /** `onChanged`: a session that came from the adapter is not what is saved, and should be. */
  constructor(
    adapter: Pick<PersistenceAdapter, "listAllSessions" | "loadSession">,
    onChanged: (sessionId: string) => void,
  ) {
    this.#adapter = adapter;
    this.#onChanged = onChanged;
  }

  /** The session, from the adapter where it is not in memory; null: there is none. */
  async get(key: SessionKey): Promise<MemorySession | null> {
    if (key.tenant !== DEFAULT_TENANT) return null;
    const known = this.memory.get(key);
    if (known === null) await this.#restoredOnce(key.sessionId);
    if (this.#resting.delete(key.sessionId)) this.#resting.add(key.sessionId);
    return known ?? this.memory.get(key);
  }

  /** Everything of it is saved and nobody runs it: it can leave the memory when others need the room. */
  rests(session: MemorySession): void {
    this.#resting.delete(session.sessionId);
    this.#resting.add(session.sessionId);
    const [oldest] = this.#resting;
    if (this.#resting.size > RESTING && oldest !== undefined) this.#leave(oldest);
  }

  /** It has to stay in memory. */
  works(sessionId: string): void {
    this.#resting.delete(sessionId);
  }

  remove(sessionId: string): void {
    this.#resting.delete(sessionId);
    this.#others?.delete(sessionId);
    this.#left.delete(sessionId);
    this.memory.remove({ tenant: DEFAULT_TENANT, sessionId });
  }

  async listed(): Promise<Listed[]> {
    const others = await this.#known();
    const here = this.memory.ofTenant(DEFAULT_TENANT);
    const elsewhere = [...others.values()].filter(({ sessionId }) => !this.#has(sessionId));
    return [...here, ...elsewhere.map((record) => listed(record, this.#left.get(record.sessionId)))];
  }

  /** Brings those into memory that a server may have held when it ended. */
  async restoreClaimed(now: Date): Promise<void> {
    const since = now.getTime() - CLAIMED_MS;
    const recent = [...(await this.#known()).values()].filter((record) => sortTime(record) >= since);
    const queue = recent.map(({ sessionId }) => sessionId);
    const work = async (): Promise<void> => {
      for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
        await this.get({ tenant: DEFAULT_TENANT, sessionId: id });
      }
    };
    await Promise.all(Array.from({ length: RESTORED_AT_ONCE }, work));
  }

  async #known(): Promise<Map<string, PersistedSessionListData>> {
    if (this.#others === null) {
      const records = await this.#adapter.listAllSessions();
      this.#others ??= new Map(records.map((record) => [record.sessionId, record]));
    }
    return this.#others;
  }

  #has(sessionId: string): boolean {
    return this.memory.get({ tenant: DEFAULT_TENANT, sessionId }) !== null;
  }

  async #restoredOnce(sessionId: string): Promise<void> {
    const restoring = this.#restoring.get(sessionId) ?? this.#restore(sessionId);
    this.#restoring.set(sessionId, restoring);
    try {
      await restoring;
    } finally {
      if (this.#restoring.get(sessionId) === restoring) this.#restoring.delete(sessionId);
    }
  }

  async #restore(sessionId: string): Promise<void> {
    const data = await this.#adapter.loadSession(sessionId);
    if (data === null) return;
    const parts = { newId: randomUUID, now: () => new Date() };
    const { session, isChanged } = await restoredSession({ ...data, sessionId }, parts);
    // It may have been created meanwhile.
    if (this.#has(sessionId)) return;
    this.memory.add(session);
    if (isChanged) this.#onChanged(sessionId);
    else if (isAtRest(session)) this.rests(session);
  }

  #leave(sessionId: string): void {
    const session = this.memory.get({ tenant: DEFAULT_TENANT, sessionId });
    this.#resting.delete(sessionId);
    if (session === null) return;
    this.#others?.set(sessionId, session.record);
    this.#left.set(sessionId, session.overview);
    this.memory.remove(session);
  }
}

/** No server holds it. */
export function isAtRest({ runtime, sandbox }: Pick<MemorySession, "runtime" | "sandbox">): boolean {
  return !runtime.isLoaded && sandbox === null;
}

/** A session that is not in memory, as a list has it: its adapter keeps no more than the record. */
function listed(record: PersistedSessionListData, overview: SessionOverview = { runtime: NEVER_RUN }): Listed {
  const createdMs = Date.parse(record.createdAt);
  return { sessionId: record.sessionId, sortAt: sortTime(record), createdMs, record, overview };
}
