import type { ConversationBlock, FileEntry } from "@hhopkins/agent-runtime-protocol";
import { joinedBytes, type BlobPart } from "../blob-bytes.ts";
import { coveredFromStart, isWholeBlob, type BlobPiece } from "../blob-coverage.ts";
import { byPath } from "../file-order.ts";
import { decodeListCursor, encodeListCursor } from "../list-cursor.ts";
import { parsedOverview, type OverviewJson } from "../session-overview.ts";
import type {
  SessionKey,
  SessionListQuery,
  SessionPage,
  SessionStore,
  StoredSandbox,
  TranscriptPiece,
} from "../session-store.ts";
import { noSession, unknownBlock } from "../store-errors.ts";
import { decodeEvent, decodeHead, decodeJson, decodeMessage, decodeRecord } from "../sql/rows.ts";
import type { Rpc } from "./client.ts";

const TRANSCRIPT_PAGE = 50;
const FILES_PAGE = 5_000;

/** A list's column of each order. */
const BY = { activity: "sort_at", created: "created_ms" } as const;

type Reads = Omit<SessionStore, "create" | "append" | "compact" | "delete" | "cluster" | "flush">;

const of = ({ tenant, sessionId }: SessionKey) => ({ p_tenant: tenant, p_session: sessionId });

/** What can be read of sessions. Each call of the database is one answer of bounded size. */
export function supabaseReads(rpc: Rpc): Reads {
  return {
    events: async (key, { after, limit }) => {
      const rows = (await rpc("events", { ...of(key), p_after: after, p_limit: limit })) as Parameters<
        typeof decodeEvent
      >[0][];
      return rows.map((row) => decodeEvent(row, after));
    },
    head: async (key) => {
      const row = (await rpc("head", of(key))) as Parameters<typeof decodeHead>[0] | null;
      return row === null ? null : decodeHead(row);
    },
    blocks: (key, page) => blocks(rpc, key, page),
    block: async (key, blockId) => {
      const row = (await rpc("block", { ...of(key), p_block: blockId })) as BlockRow | null;
      if (row === null || row.block === null) return null;
      const block = decodeJson<ConversationBlock>(row.block, `block ${blockId}`);
      return { block, position: row.position, conversationId: row.conversation_id };
    },
    files: (key) => files(key, (page) => rpc("files", page)),
    checkpoints: async (key, { before = Number.MAX_SAFE_INTEGER, limit }) => {
      const rows = await rpc("checkpoints", { ...of(key), p_before: before, p_limit: limit });
      return (rows as { seq: number; turn_id: string }[]).map(({ seq, turn_id: turnId }) => ({ seq, turnId }));
    },
    filesAt: (key, seq) => files(key, (page) => rpc("files_at", { ...page, p_seq: seq })),
    blob: (key, sha256) => joinedBytes(blobParts(rpc, key, sha256)),
    blobSize: async (key, sha256) => coveredFromStart(await blobPieces(rpc, key, sha256)),
    transcript: (key) => transcript(rpc, key),
    message: async (key, { messageId, idempotencyKey }) => {
      const ids = { p_message: messageId ?? null, p_key: idempotencyKey ?? null };
      const row = (await rpc("message", { ...of(key), ...ids })) as Parameters<typeof decodeMessage>[0] | null;
      return row === null ? null : decodeMessage(row);
    },
    list: (query) => list(rpc, query),
    claimed: async () => {
      const rows = (await rpc("claimed")) as { tenant: string; session_id: string; sandbox: string | null }[];
      return rows.map(({ tenant, session_id: sessionId, sandbox }) => {
        const found = sandbox === null ? null : decodeJson<StoredSandbox>(sandbox, `session ${sessionId}`);
        return { tenant, sessionId, sandbox: found };
      });
    },
  };
}

interface BlockRow {
  readonly block: string | null;
  readonly position: number;
  readonly conversation_id: string;
}

const blocks = async (
  rpc: Rpc,
  key: SessionKey,
  { conversationId, before, limit }: { conversationId: string; before?: string; limit: number },
): ReturnType<SessionStore["blocks"]> => {
  const page = { p_conversation: conversationId, p_before: before ?? null, p_limit: limit + 1 };
  const texts = (await rpc("blocks", { ...of(key), ...page })) as string[] | null;
  if (texts === null) throw unknownBlock(before ?? "");
  const found = texts.slice(0, limit).toReversed();
  const where = `a block of session ${key.sessionId}`;
  return { blocks: found.map((text) => decodeJson<ConversationBlock>(text, where)), more: texts.length > limit };
};

async function files(
  key: SessionKey,
  read: (page: Readonly<Record<string, unknown>>) => Promise<unknown>,
): Promise<FileEntry[]> {
  const all: FileEntry[] = [];
  let after = "";
  for (;;) {
    const page = await read({ ...of(key), p_after: after, p_limit: FILES_PAGE });
    const rows = page as { path_key: string; entry: string | null }[];
    for (const { path_key, entry } of rows) {
      after = path_key;
      if (entry !== null) all.push(decodeJson<FileEntry>(entry, `a file of session ${key.sessionId}`));
    }
    if (rows.length < FILES_PAGE) return all.sort(byPath);
  }
}

async function blobPieces(rpc: Rpc, key: SessionKey, sha256: string): Promise<BlobPiece[]> {
  const rows = await rpc("blob_pieces", { ...of(key), p_sha256: sha256 });
  return (rows as { start: number; length: number; total: number }[]).map(({ start, length, total }) => {
    return { offset: start, length, total };
  });
}

/** Pieces of a whole blob, each read when it is asked for. */
async function* blobParts(rpc: Rpc, key: SessionKey, sha256: string): AsyncGenerator<BlobPart> {
  const pieces = await blobPieces(rpc, key, sha256);
  if (!isWholeBlob(pieces)) return;
  for (const { offset } of pieces) {
    const base64 = await rpc("blob_piece", { ...of(key), p_sha256: sha256, p_start: offset });
    if (typeof base64 !== "string") throw noSession(key.sessionId);
    yield { offset, bytes: Buffer.from(base64, "base64") };
  }
}

async function* transcript(rpc: Rpc, key: SessionKey): AsyncGenerator<TranscriptPiece> {
  let after = 0;
  for (;;) {
    const page = { ...of(key), p_after: after, p_limit: TRANSCRIPT_PAGE };
    const rows = (await rpc("transcript", page)) as { n: number; entry: string }[];
    for (const { n, entry } of rows) {
      after = n;
      yield decodeJson(entry, `the transcript of session ${key.sessionId}`);
    }
    if (rows.length < TRANSCRIPT_PAGE) return;
  }
}

type ListRow = Parameters<typeof decodeRecord>[0] & { runtime: string; sort_at: number; created_ms: number };

async function list(rpc: Rpc, query: SessionListQuery): Promise<SessionPage> {
  const { tenant, limit, cursor, order = "activity", filter = {} } = query;
  const after = cursor === undefined ? null : decodeListCursor(cursor, order);
  const rows = (await rpc("list", {
    p_tenant: tenant,
    p_order: order,
    p_filter: filterJson(filter),
    p_after: after === null ? null : { at: after.sortAt, id: after.sessionId },
    p_limit: limit + 1,
  })) as ListRow[];
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    sessions: page.map((row) => ({
      ...decodeRecord(row),
      ...parsedOverview(decodeJson<OverviewJson>(row.runtime, `session ${row.session_id}`)),
    })),
    ...(last === undefined || rows.length <= limit
      ? {}
      : { nextCursor: encodeListCursor({ sortAt: last[BY[order]], sessionId: last.session_id }, order) }),
  };
}

function filterJson(filter: NonNullable<SessionListQuery["filter"]>): Record<string, unknown> {
  const { type, agentProfileReference: profile, isLoaded } = filter;
  const ms = (time: string | undefined): number | undefined => (time === undefined ? undefined : Date.parse(time));
  return {
    type,
    profile,
    loaded: isLoaded === undefined ? undefined : Number(isLoaded),
    created_from: ms(filter.createdFrom),
    created_before: ms(filter.createdBefore),
    active_from: ms(filter.activeFrom),
    active_before: ms(filter.activeBefore),
  };
}
