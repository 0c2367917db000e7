import {
  parseEvent,
  PROTOCOL_VERSION,
  type ConversationBlock,
  type FileEntry,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import type { FunctionReturnType } from "convex/server";
import { byPath } from "../file-order.ts";
import type {
  SessionHead,
  SessionKey,
  SessionStore,
  StoredEvent,
  StoredMessage,
  TranscriptPiece,
} from "../session-store.ts";
import { unknownBlock } from "../store-errors.ts";
import { convexBlobs } from "./blobs.ts";
import type { ConvexApi, ConvexCalls } from "./client.ts";
import { convexLists } from "./lists.ts";
import { recordOf } from "./records.ts";
import { damaged, parseParts, restored, storable } from "./texts.ts";
import { keyText } from "./wire.ts";

type Reads = Omit<SessionStore, "create" | "append" | "compact" | "delete" | "cluster">;

/** What can be read of sessions in a deployment. Pages of a call are joined to what was asked for. */
export function convexReads(calls: ConvexCalls): Reads {
  return {
    events: (key, page) => events(calls, key, page),
    head: (key) => head(calls, key),
    blocks: (key, page) => blocks(calls, key, page),
    block: async (key, blockId) => {
      const args = { key: keyText(key), blockId: storable(blockId) };
      const { found } = await calls.query((api) => api.reads.block, args);
      if (found === null || found.block === null) return null;
      const block = parseParts<ConversationBlock>(found.block, `block ${blockId}`);
      return { block, position: found.position, conversationId: restored(found.conversation) };
    },
    files: (key) => files(calls, key),
    checkpoints: async (key, { before, limit }) => {
      const args = { key: keyText(key), before: before ?? null, limit };
      const rows = await calls.query((api) => api.files.checkpoints, args);
      return rows.map(({ seq, turnId }) => ({ seq, turnId: restored(turnId) }));
    },
    filesAt: (key, seq) => filesAt(calls, key, seq),
    transcript: (key) => transcript(calls, key),
    message: (key, by) => message(calls, key, by),
    ...convexBlobs(calls),
    ...convexLists(calls),
  };
}

async function events(
  calls: ConvexCalls,
  key: SessionKey,
  { after, limit }: { after: number; limit: number },
): Promise<StoredEvent[]> {
  const found: StoredEvent[] = [];
  for (let from: number | null = after; from !== null && found.length < limit;) {
    const args = { key: keyText(key), after: from, limit: limit - found.length };
    const page: { runs: string[][]; next: number | null } = await calls.query((api) => api.reads.events, args);
    for (const run of page.runs) found.push(...eventsOf(run, key, after));
    from = page.next;
  }
  return found.slice(0, limit);
}

/** The events of a run for a reader who has those up to `after`, checked. */
function eventsOf(run: readonly string[], { sessionId }: SessionKey, after: number): StoredEvent[] {
  const rows = parseParts<(StoredEvent & { seq: number })[]>(run, `events of session ${sessionId}`);
  return rows.flatMap(({ from: first, ...row }) => {
    if (row.seq <= after) return [];
    const event = checkedEvent(row, `event ${row.seq} of session ${sessionId}`);
    const from = Math.max(first ?? row.seq, after + 1);
    return from < row.seq ? { ...event, from } : event;
  });
}

function checkedEvent(row: unknown, where: string): StoredEvent {
  try {
    const event = parseEvent(row);
    if (event !== null) return event;
  } catch (cause) {
    throw damaged(where, cause);
  }
  throw damaged(where, new Error("unknown type"));
}

async function head(calls: ConvexCalls, key: SessionKey): Promise<SessionHead | null> {
  const row = await calls.query((api) => api.reads.head, { key: keyText(key) });
  if (row === null) return null;
  const where = `session ${key.sessionId}`;
  const usable = row.snapshot !== null && row.snapshot.version === PROTOCOL_VERSION;
  return {
    record: recordOf(row.record),
    logId: row.logId,
    lastSeq: row.lastSeq,
    compactedTo: row.compactedTo,
    snapshot: usable && row.snapshot !== null ? parseParts<SessionState>(row.snapshot.state, where) : null,
    cursor: row.cursor === null ? null : { generation: row.cursor.generation, n: row.cursor.n },
    sandbox: row.sandbox === null ? null : parseParts([row.sandbox], where),
    nativeSessionId: row.nativeSessionId === null ? null : restored(row.nativeSessionId),
    generation: row.generation,
  };
}

async function blocks(
  calls: ConvexCalls,
  key: SessionKey,
  page: { conversationId: string; before?: string; limit: number },
): Promise<{ blocks: ConversationBlock[]; more: boolean }> {
  const end = await endOf(calls, key, page.before);
  if (end === undefined) return { blocks: [], more: false };
  const conversation = storable(page.conversationId);
  const found: ConversationBlock[] = [];
  let before = end;
  for (let more = true; more && found.length <= page.limit;) {
    const args = { key: keyText(key), conversation, before, limit: page.limit + 1 - found.length };
    const next = await calls.query((api) => api.reads.blocks, args);
    for (const { position, block } of next.found) {
      found.push(parseParts<ConversationBlock>(block, `a block of session ${key.sessionId}`));
      before = position;
    }
    more = next.more;
  }
  return { blocks: found.slice(0, page.limit).toReversed(), more: found.length > page.limit };
}

/** Place of the block before which the page ends; null: the end; undefined: there is no such session. */
async function endOf(
  calls: ConvexCalls,
  key: SessionKey,
  blockId: string | undefined,
): Promise<number | null | undefined> {
  if (blockId === undefined) return null;
  const args = { key: keyText(key), blockId: storable(blockId) };
  const { session, found } = await calls.query((api) => api.reads.block, args);
  if (!session) return undefined;
  if (found === null) throw unknownBlock(blockId);
  return found.position;
}

async function files(calls: ConvexCalls, key: SessionKey): Promise<FileEntry[]> {
  const entries: FileEntry[] = [];
  let after = "";
  for (let more = true; more;) {
    const page = await calls.query((api) => api.files.files, { key: keyText(key), after });
    for (const { entry } of page.found) entries.push(parseParts([entry], `a file of session ${key.sessionId}`));
    after = page.found.at(-1)?.pathKey ?? after;
    more = page.more;
  }
  return entries.sort(byPath);
}

type VersionPage = FunctionReturnType<ConvexApi["files"]["versions"]>;
type VersionPlace = NonNullable<VersionPage["next"]>;

async function filesAt(calls: ConvexCalls, key: SessionKey, seq: number): Promise<FileEntry[]> {
  const newest = new Map<string, string | null>();
  let after: VersionPlace | null = { pathKey: "", seq: -1 };
  while (after !== null) {
    const args: { key: string; seq: number; after: VersionPlace } = { key: keyText(key), seq, after };
    const page: VersionPage = await calls.query((api) => api.files.versions, args);
    for (const { pathKey, entry } of page.found) newest.set(pathKey, entry);
    after = page.next;
  }
  return [...newest.values()]
    .flatMap((entry) => (entry === null ? [] : [parseParts<FileEntry>([entry], `a file of session ${key.sessionId}`)]))
    .sort(byPath);
}

async function* transcript(calls: ConvexCalls, key: SessionKey): AsyncGenerator<TranscriptPiece> {
  for (let after: number | null = 0; after !== null;) {
    const args: { key: string; after: number } = { key: keyText(key), after };
    const page: { runs: string[][]; next: number | null } = await calls.query((api) => api.reads.transcript, args);
    for (const run of page.runs) {
      yield* parseParts<TranscriptPiece[]>(run, `the transcript of session ${key.sessionId}`);
    }
    after = page.next;
  }
}

async function message(
  calls: ConvexCalls,
  key: SessionKey,
  { messageId, idempotencyKey }: { messageId?: string; idempotencyKey?: string },
): Promise<StoredMessage | null> {
  const row = await calls.query((api) => api.reads.message, {
    key: keyText(key),
    ...(messageId === undefined ? {} : { messageId: storable(messageId) }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey: storable(idempotencyKey) }),
  });
  if (row === null) return null;
  return {
    messageId: restored(row.messageId),
    ...(row.idempotencyKey === null ? {} : { idempotencyKey: restored(row.idempotencyKey) }),
    contentHash: row.contentHash,
    ...(row.position === null ? {} : { position: row.position }),
  };
}
