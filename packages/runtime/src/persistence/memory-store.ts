import { toRuntimeError, type ConversationBlock, type FileEntry } from "@hhopkins/agent-runtime-protocol";
import { joinedBytes } from "./blob-bytes.ts";
import { encodeBatch } from "./encoded-batch.ts";
import { byPath } from "./file-order.ts";
import type { MemoryCluster } from "./memory-cluster.ts";
import { MemorySession } from "./memory-session.ts";
import { listPage } from "./session-list.ts";
import type { AppendBatch, SessionKey, SessionStore, StoredEvent, TranscriptPiece } from "./session-store.ts";
import { noSession, sessionExists, staleFence, unknownBlock } from "./store-errors.ts";

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

/** A store in memory: everything is there until the process ends. With a cluster it checks fences. */
export function memoryStore(sessions = new MemorySessions(), cluster?: MemoryCluster): SessionStore {
  return {
    ...memoryReads(sessions),
    ...(cluster === undefined ? {} : { cluster }),
    create: async ({ tenant, sessionId, record, logId, first }) => {
      const batch = encodeBatch({ ...first, tenant, sessionId, expectedSeq: 0 });
      if (sessions.get({ tenant, sessionId }) !== null) throw sessionExists(sessionId);
      const session = new MemorySession({ tenant, record: { ...record, sessionId }, logId });
      session.check(batch);
      session.apply(batch);
      sessions.add(session);
    },
    append: async (batches) => batches.map((batch) => appended(sessions, batch, { fenced: cluster !== undefined })),
    compact: async (key, compaction) => sessions.get(key)?.compact(compaction),
    delete: async (key) => {
      sessions.remove(key);
      cluster?.drop(key);
    },
  };
}

function appended(sessions: MemorySessions, batch: AppendBatch, { fenced }: { fenced: boolean }): Error | null {
  try {
    const session = sessions.need(batch);
    if (fenced && batch.fence !== undefined && batch.fence !== session.fence) throw staleFence(batch, session.fence);
    const encoded = encodeBatch(batch);
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
      yield* parsed<TranscriptPiece>(sessions.get(key)?.transcript ?? []);
    },
    message: async (key, by) => sessions.get(key)?.message(by) ?? null,
    list: async ({ tenant, ...query }) => listPage(sessions.ofTenant(tenant), query),
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
