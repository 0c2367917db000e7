import { toRuntimeError, type ConversationBlock, type FileEntry } from "@hhopkins/agent-runtime-protocol";
import { joinedBytes } from "./blob-bytes.ts";
import { encodeBatch } from "./encoded-batch.ts";
import { byPath } from "./file-order.ts";
import { decodeListCursor, encodeListCursor } from "./list-cursor.ts";
import { MemorySession } from "./memory-session.ts";
import type { AppendBatch, SessionKey, SessionPage, SessionStore, StoredEvent } from "./session-store.ts";
import { noSession, sessionExists, unknownBlock } from "./store-errors.ts";

/** Sessions of all tenants in this process's memory. */
export class MemorySessions {
  readonly #tenants = new Map<string, Map<string, MemorySession>>();

  get({ tenant, sessionId }: SessionKey): MemorySession | null {
    return this.#tenants.get(tenant)?.get(sessionId) ?? null;
  }

  /** Throws `session_not_found`. */
  need(key: SessionKey): MemorySession {
    const session = this.get(key);
    if (session === null) throw noSession(key.sessionId);
    return session;
  }

  add(session: MemorySession): void {
    const sessions = this.#tenants.get(session.tenant) ?? new Map<string, MemorySession>();
    this.#tenants.set(session.tenant, sessions);
    sessions.set(session.sessionId, session);
  }

  remove({ tenant, sessionId }: SessionKey): void {
    const sessions = this.#tenants.get(tenant);
    sessions?.delete(sessionId);
    if (sessions?.size === 0) this.#tenants.delete(tenant);
  }

  ofTenant(tenant: string): MemorySession[] {
    return [...(this.#tenants.get(tenant)?.values() ?? [])];
  }

  all(): MemorySession[] {
    return [...this.#tenants.keys()].flatMap((tenant) => this.ofTenant(tenant));
  }
}

/** A store in memory: everything is there until the process ends. */
export function memoryStore(sessions = new MemorySessions()): SessionStore {
  return {
    ...memoryReads(sessions),
    create: async ({ tenant, sessionId, record, logId, first }) => {
      const batch = encodeBatch({ ...first, tenant, sessionId, expectedSeq: 0 });
      if (sessions.get({ tenant, sessionId }) !== null) throw sessionExists(sessionId);
      const session = new MemorySession({ tenant, record: { ...record, sessionId }, logId });
      session.check(batch);
      session.apply(batch);
      sessions.add(session);
    },
    append: async (batches) => batches.map((batch) => appended(sessions, batch)),
    compact: async (key, compaction) => sessions.get(key)?.compact(compaction),
    delete: async (key) => sessions.remove(key),
  };
}

function appended(sessions: MemorySessions, batch: AppendBatch): Error | null {
  try {
    const encoded = encodeBatch(batch);
    const session = sessions.need(batch);
    session.check(encoded);
    session.apply(encoded);
    return null;
  } catch (error) {
    return toRuntimeError(error, "persistence_unavailable");
  }
}

/** What can be read of sessions in memory. */
export function memoryReads(sessions: MemorySessions): Omit<SessionStore, "create" | "append" | "compact" | "delete"> {
  return {
    events: async (key, { after, limit }) => parsed<StoredEvent>(sessions.get(key)?.eventTexts(after, limit) ?? []),
    head: async (key) => sessions.get(key)?.head() ?? null,
    blocks: async (key, page) => {
      const session = sessions.get(key);
      return session === null ? { blocks: [], more: false } : blockPage(session, page);
    },
    block: async (key, blockId) => {
      const known = sessions.get(key)?.block(blockId) ?? null;
      if (known === null || known.block === null) return null;
      const { position, conversationId } = known;
      return { block: JSON.parse(known.block) as ConversationBlock, position, conversationId };
    },
    files: async (key) => parsed<FileEntry>(sessions.get(key)?.files ?? []).sort(byPath),
    checkpoints: async (key, { before = Infinity, limit }) =>
      (sessions.get(key)?.checkpoints ?? []).filter(({ seq }) => seq < before).slice(0, limit),
    filesAt: async (key, seq) => parsed<FileEntry>(sessions.get(key)?.filesAt(seq) ?? []).sort(byPath),
    blob: (key, sha256) => joinedBytes(sessions.get(key)?.blob(sha256) ?? []),
    blobSize: async (key, sha256) => sessions.get(key)?.blobSize(sha256) ?? 0,
    transcript: async function* transcript(key) {
      yield* parsed<{ key: string; lines: string[] }>(sessions.get(key)?.transcript ?? []);
    },
    message: async (key, by) => sessions.get(key)?.message(by) ?? null,
    list: async ({ tenant, limit, cursor }) => listPage(sessions.ofTenant(tenant), { limit, cursor }),
    claimed: async () =>
      sessions
        .all()
        .filter(({ runtime, sandbox }) => runtime.isLoaded || sandbox !== null)
        .map(({ tenant, sessionId, sandbox }) => ({ tenant, sessionId, sandbox })),
  };
}

function parsed<T>(texts: readonly string[]): T[] {
  return texts.map((text) => JSON.parse(text) as T);
}

function blockPage(
  session: MemorySession,
  { conversationId, before, limit }: { conversationId: string; before?: string; limit: number },
): { blocks: ConversationBlock[]; more: boolean } {
  const end = before === undefined ? Infinity : session.block(before)?.position;
  if (end === undefined) throw unknownBlock(before ?? "");
  const older = session.conversation(conversationId).filter((block) => block.position < end);
  const page = older.slice(Math.max(0, older.length - limit));
  return {
    blocks: parsed(page.flatMap(({ block }) => (block === null ? [] : [block]))),
    more: page.length < older.length,
  };
}

/** One session of a list, with what it is sorted by. */
export interface Listed {
  readonly sessionId: string;
  readonly sortAt: number;
  readonly record: SessionPage["sessions"][number] | Omit<SessionPage["sessions"][number], "runtime">;
  readonly runtime: SessionPage["sessions"][number]["runtime"];
}

/** One page of a list: newest activity first, then by id, downwards. */
export function listPage(
  all: readonly Listed[],
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): SessionPage {
  const after = cursor === undefined ? null : decodeListCursor(cursor);
  const rest = all.filter((one) => after === null || isBelow(one, after)).toSorted((a, b) => (isBelow(a, b) ? 1 : -1));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return {
    sessions: page.map(({ record, runtime }) => ({ ...record, runtime })),
    ...(last === undefined || page.length === rest.length ? {} : { nextCursor: encodeListCursor(last) }),
  };
}

function isBelow(a: { sortAt: number; sessionId: string }, b: { sortAt: number; sessionId: string }): boolean {
  return a.sortAt === b.sortAt ? a.sessionId < b.sessionId : a.sortAt < b.sortAt;
}
