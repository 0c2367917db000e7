import type { ConversationBlock, FileEntry } from "@hhopkins/agent-runtime-protocol";
import { sql, type RawBuilder, type SqlBool } from "kysely";
import { joinedBytes, type BlobPart } from "../blob-bytes.ts";
import { coveredFromStart, isWholeBlob, type BlobPiece } from "../blob-coverage.ts";
import { byPath } from "../file-order.ts";
import type { Checkpoint, SessionKey, SessionStore, StoredSandbox, TranscriptPiece } from "../session-store.ts";
import { noSession, unknownBlock } from "../store-errors.ts";
import { sqlList } from "./list.ts";
import { ofSession } from "./database-clock.ts";
import { decodeEvent, decodeHead, decodeJson, decodeMessage } from "./rows.ts";
import type { Db, EventsTable } from "./schema.ts";
import { statement } from "./statement.ts";

const TRANSCRIPT_PAGE = 50;

interface EventsAfter {
  tenant: string;
  session_id: string;
  after: number;
  limit: number;
}

type Reads = Omit<SessionStore, "create" | "append" | "compact" | "delete">;

/** What can be read of sessions in a database. */
export function sqlReads(db: Db): Reads {
  const eventsAfter = statement<EventsAfter, Omit<EventsTable, "tenant" | "version">>(
    ["tenant", "session_id", "after", "limit"],
    (v) =>
      db
        .selectFrom("events")
        .select(["session_id", "seq", "from_seq", "at", "type", "data"])
        .where("tenant", "=", v.tenant)
        .where("session_id", "=", v.session_id)
        .where(isThere({ tenant: v.tenant, sessionId: v.session_id }))
        .where("seq", ">", v.after)
        .orderBy("seq")
        .limit(v.limit),
  );
  return {
    events: async ({ tenant, sessionId }, { after, limit }) => {
      const { rows } = await db.executeQuery(eventsAfter({ tenant, session_id: sessionId, after, limit }));
      return rows.map((row) => decodeEvent(row, after));
    },
    head: (key) => head(db, key),
    blocks: (key, page) => blocks(db, key, page),
    block: async (key, blockId) => {
      const row = await blockRow(db, key, blockId);
      if (row === undefined || row.block === null) return null;
      const block = decodeJson<ConversationBlock>(row.block, `block ${blockId}`);
      return { block, position: row.position, conversationId: row.conversation_id };
    },
    files: async (key) => {
      const rows = await ofSession(db.selectFrom("files").select("entry"), key).where(isThere(key)).execute();
      return rows.map(({ entry }) => decodeJson<FileEntry>(entry, `a file of session ${key.sessionId}`)).sort(byPath);
    },
    checkpoints: (key, page) => checkpoints(db, key, page),
    filesAt: (key, seq) => filesAt(db, key, seq),
    blob: (key, sha256) => joinedBytes(blobParts(db, key, sha256)),
    blobSize: async (key, sha256) => coveredFromStart(await blobPieces(db, key, sha256)),
    transcript: (key) => transcript(db, key),
    message: (key, by) => message(db, key, by),
    list: (query) => sqlList(db, query),
    claimed: () => claimed(db),
  };
}

/** A session that is being removed has rows for a while, which are nobody's any more. */
function isThere({ tenant, sessionId }: SessionKey): RawBuilder<SqlBool> {
  return sql<SqlBool>`exists (select 1 from logs where tenant = ${tenant} and session_id = ${sessionId})`;
}

const head = async (db: Db, { tenant, sessionId }: SessionKey): ReturnType<SessionStore["head"]> => {
  const row = await db
    .selectFrom("sessions")
    .innerJoin("logs", (join) =>
      join.onRef("logs.tenant", "=", "sessions.tenant").onRef("logs.session_id", "=", "sessions.session_id"),
    )
    .leftJoin("snapshots", (join) =>
      join.onRef("snapshots.tenant", "=", "sessions.tenant").onRef("snapshots.session_id", "=", "sessions.session_id"),
    )
    .leftJoin("sandboxes", (join) =>
      join.onRef("sandboxes.tenant", "=", "sessions.tenant").onRef("sandboxes.session_id", "=", "sessions.session_id"),
    )
    .selectAll(["sessions", "logs"])
    .select(["snapshots.version", "snapshots.state", "sandboxes.sandbox"])
    .where("sessions.tenant", "=", tenant)
    .where("sessions.session_id", "=", sessionId)
    .executeTakeFirst();
  return row === undefined ? null : decodeHead(row);
};

async function blockRow(db: Db, key: SessionKey, blockId: string) {
  return await ofSession(db.selectFrom("blocks").select(["block", "position", "conversation_id"]), key)
    .where(isThere(key))
    .where("block_id", "=", blockId)
    .executeTakeFirst();
}

const blocks = async (
  db: Db,
  key: SessionKey,
  page: { conversationId: string; before?: string; limit: number },
): ReturnType<SessionStore["blocks"]> => {
  const { conversationId, before, limit } = page;
  const end = before === undefined ? Number.MAX_SAFE_INTEGER : (await blockRow(db, key, before))?.position;
  if (end === undefined) {
    if ((await head(db, key)) === null) return { blocks: [], more: false };
    throw unknownBlock(before ?? "");
  }
  const rows = await db
    .selectFrom("blocks")
    .select("block")
    .where("tenant", "=", key.tenant)
    .where("session_id", "=", key.sessionId)
    .where(isThere(key))
    .where("conversation_id", "=", conversationId)
    .where("position", "<", end)
    .where("block", "is not", null)
    .orderBy("position", "desc")
    .limit(limit + 1)
    .execute();
  const where = `a block of session ${key.sessionId}`;
  const found = rows.slice(0, limit).toReversed();
  return {
    blocks: found.flatMap(({ block }) => (block === null ? [] : [decodeJson<ConversationBlock>(block, where)])),
    more: rows.length > limit,
  };
};

async function checkpoints(
  db: Db,
  { tenant, sessionId }: SessionKey,
  { before = Number.MAX_SAFE_INTEGER, limit }: { before?: number; limit: number },
): Promise<Checkpoint[]> {
  const rows = await db
    .selectFrom("checkpoints")
    .select(["seq", "turn_id"])
    .where("tenant", "=", tenant)
    .where("session_id", "=", sessionId)
    .where("seq", "<", before)
    .orderBy("seq", "desc")
    .limit(limit)
    .execute();
  return rows.map(({ seq, turn_id: turnId }) => ({ seq, turnId }));
}

async function filesAt(db: Db, { tenant, sessionId }: SessionKey, seq: number): Promise<FileEntry[]> {
  const newest = db
    .selectFrom("file_versions")
    .select(["path_key", (eb) => eb.fn.max("seq").as("newest")])
    .where("tenant", "=", tenant)
    .where("session_id", "=", sessionId)
    .where("seq", "<=", seq)
    .groupBy("path_key")
    .as("newest_versions");
  const rows = await db
    .selectFrom("file_versions")
    .innerJoin(newest, (join) =>
      join
        .onRef("newest_versions.path_key", "=", "file_versions.path_key")
        .onRef("newest_versions.newest", "=", "file_versions.seq"),
    )
    .select("file_versions.entry")
    .where("tenant", "=", tenant)
    .where("session_id", "=", sessionId)
    .where(isThere({ tenant, sessionId }))
    .execute();
  return rows
    .flatMap(({ entry }) => (entry === null ? [] : [decodeJson<FileEntry>(entry, `a file of session ${sessionId}`)]))
    .sort(byPath);
}

async function blobPieces(db: Db, { tenant, sessionId }: SessionKey, sha256: string): Promise<BlobPiece[]> {
  const rows = await db
    .selectFrom("blobs")
    .select(["start", "length", "total"])
    .where("tenant", "=", tenant)
    .where("session_id", "=", sessionId)
    .where(isThere({ tenant, sessionId }))
    .where("sha256", "=", sha256)
    .orderBy("start")
    .execute();
  return rows.map(({ start, length, total }) => ({ offset: start, length, total }));
}

/** Pieces of a whole blob, each read when it is asked for; a database lock is never held over a reader's pause. */
async function* blobParts(db: Db, key: SessionKey, sha256: string): AsyncGenerator<BlobPart> {
  const pieces = await blobPieces(db, key, sha256);
  if (!isWholeBlob(pieces)) return;
  for (const { offset } of pieces) {
    const row = await db
      .selectFrom("blobs")
      .select("bytes")
      .where("tenant", "=", key.tenant)
      .where("session_id", "=", key.sessionId)
      .where("sha256", "=", sha256)
      .where("start", "=", offset)
      .executeTakeFirst();
    if (row === undefined) throw noSession(key.sessionId);
    yield { offset, bytes: row.bytes };
  }
}

async function* transcript(db: Db, key: SessionKey): AsyncGenerator<TranscriptPiece> {
  let after = 0;
  while (true) {
    const rows = await db
      .selectFrom("transcripts")
      .select(["n", "entry"])
      .where("tenant", "=", key.tenant)
      .where("session_id", "=", key.sessionId)
      .where(isThere(key))
      .where("n", ">", after)
      .orderBy("n")
      .limit(TRANSCRIPT_PAGE)
      .execute();
    for (const { n, entry } of rows) {
      after = n;
      yield decodeJson(entry, `the transcript of session ${key.sessionId}`);
    }
    if (rows.length < TRANSCRIPT_PAGE) return;
  }
}

const message = async (
  db: Db,
  { tenant, sessionId }: SessionKey,
  { messageId, idempotencyKey }: { messageId?: string; idempotencyKey?: string },
): ReturnType<SessionStore["message"]> => {
  if (messageId === undefined && idempotencyKey === undefined) return null;
  const row = await db
    .selectFrom("messages")
    .select(["message_id", "idempotency_key", "content_hash", "position"])
    .where("tenant", "=", tenant)
    .where("session_id", "=", sessionId)
    .where(isThere({ tenant, sessionId }))
    .where((eb) =>
      eb.or([
        ...(messageId === undefined ? [] : [eb("message_id", "=", messageId)]),
        ...(idempotencyKey === undefined ? [] : [eb("idempotency_key", "=", idempotencyKey)]),
      ]),
    )
    .executeTakeFirst();
  return row === undefined ? null : decodeMessage(row);
};

const claimed = async (db: Db): ReturnType<SessionStore["claimed"]> => {
  const loaded = await db.selectFrom("sessions").select(["tenant", "session_id"]).where("loaded", "=", 1).execute();
  const withSandbox = await db.selectFrom("sandboxes").selectAll().execute();
  const sessions = new Map<string, SessionKey & { sandbox: StoredSandbox | null }>();
  const put = (tenant: string, sessionId: string, sandbox: StoredSandbox | null): void => {
    sessions.set(JSON.stringify([tenant, sessionId]), { tenant, sessionId, sandbox });
  };
  for (const { tenant, session_id: id } of loaded) put(tenant, id, null);
  for (const { tenant, session_id: id, sandbox } of withSandbox) put(tenant, id, decodeJson(sandbox, `session ${id}`));
  return [...sessions.values()];
};
