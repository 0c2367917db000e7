import { createHash } from "node:crypto";
import { RuntimeError, type SessionRecordUpdates } from "@hhopkins/agent-runtime-protocol";
import { overviewJson } from "./session-overview.ts";
import { knownMessage } from "./store-errors.ts";
import type { AppendBatch, BlobChunk, RunnerCursor, StoredMessage } from "./session-store.ts";

export interface EncodedEvent {
  readonly seq: number;
  /** Where events before it were dropped: the first of their numbers. */
  readonly from?: number;
  readonly at: string;
  readonly type: string;
  readonly data: string;
}

export interface EncodedBlock {
  readonly blockId: string;
  readonly conversationId: string;
  readonly position: number;
  /** null: taken back. */
  readonly block: string | null;
}

export interface EncodedOverview {
  readonly json: string;
  readonly isLoaded: boolean;
}

export interface EncodedRecordUpdates {
  readonly name?: string;
  readonly lastActivity?: string;
  readonly sessionOptions?: string;
  readonly metadata?: string;
}

/**
 * A batch with every text that a user or an agent can choose as JSON: so NUL and lone surrogates survive any store,
 * and who keeps the batch shares no object with who made it.
 */
export interface EncodedBatch {
  readonly tenant: string;
  readonly sessionId: string;
  readonly expectedSeq: number;
  readonly lastSeq: number;
  /** null: of nobody's lease. */
  readonly fence: number | null;
  readonly events: readonly EncodedEvent[];
  readonly cursor: RunnerCursor | null;
  readonly nativeSessionId: string | null;
  /** Of a new sandbox; 0 where there is none. */
  readonly generation: number;
  /** JSON of `{ key, lines, seq }`; `seq` as `filesSeq`. */
  readonly transcript: readonly string[];
  readonly blobs: readonly BlobChunk[];
  readonly putFiles: readonly { readonly pathKey: string; readonly entry: string }[];
  readonly deletedFiles: readonly string[];
  readonly blocks: readonly EncodedBlock[];
  readonly messages: readonly StoredMessage[];
  /** JSON; null: there is none any more; undefined: as it was. */
  readonly sandbox: string | null | undefined;
  readonly snapshot: string | null;
  readonly record: EncodedRecordUpdates | null;
  /** Stored bytes that are removed before `blobs` are put. */
  readonly droppedBlobs: readonly string[];
  /** From which seq on the file changes hold: none of them is part of an earlier checkpoint. */
  readonly filesSeq: number;
  readonly checkpoint: { readonly turnId: string } | null;
  /** What lists show beside the record from now on; null: as it was. */
  readonly overview: EncodedOverview | null;
}

/** Checks and encodes a batch. Throws the `RuntimeError` that it is refused with. */
export function encodeBatch(batch: AppendBatch): EncodedBatch {
  checkNumbers(batch);
  checkMessages(batch);
  return {
    tenant: batch.tenant,
    sessionId: batch.sessionId,
    expectedSeq: batch.expectedSeq,
    lastSeq: batch.expectedSeq + batch.events.length,
    fence: batch.fence ?? null,
    events: batch.events.map(({ seq, at, type, data }) => ({ seq, at, type, data: json(data) })),
    cursor: batch.cursor ?? null,
    nativeSessionId: batch.nativeSessionId ?? null,
    generation: batch.sandbox?.generation ?? 0,
    transcript: (batch.transcript ?? []).map(({ key, lines }) => json({ key, lines, seq: batch.expectedSeq + 1 })),
    blobs: batch.blobs ?? [],
    putFiles: putFiles(batch),
    deletedFiles: (batch.files?.deleted ?? []).map(pathKey),
    blocks: encodeBlocks(batch),
    messages: batch.messages ?? [],
    sandbox: batch.sandbox === undefined ? undefined : batch.sandbox === null ? null : json(batch.sandbox),
    snapshot: batch.snapshot === undefined ? null : json(batch.snapshot),
    record: batch.record === undefined ? null : encodeRecordUpdates(batch.record),
    droppedBlobs: batch.droppedBlobs ?? [],
    filesSeq: batch.expectedSeq + 1,
    checkpoint: batch.checkpoint ?? null,
    overview: overviewAfter(batch),
  };
}

/** Whether there is nothing in the batch but events, and the place in a runner's journal up to which they go. */
export function isPlain(batch: EncodedBatch): boolean {
  const { transcript, blocks, record, overview, snapshot } = batch;
  const none = transcript.length === 0 && blocks.length === 0;
  return none && record === null && overview === null && snapshot === null && isSimple(batch);
}

/**
 * Whether there is nothing in the batch but what a running turn writes all the time: events and how far they go in a
 * runner's journal, lines, blocks, changes of the record, a snapshot.
 */
export function isSimple(batch: EncodedBatch): boolean {
  const rare = [batch.blobs, batch.droppedBlobs, batch.putFiles, batch.deletedFiles, batch.messages];
  return (
    rare.every(({ length }) => length === 0) &&
    batch.sandbox === undefined &&
    batch.nativeSessionId === null &&
    batch.checkpoint === null
  );
}

/** A path as a key of fixed length: paths may be longer, and hold more kinds of characters, than an index takes. */
export function pathKey(path: string): string {
  return createHash("sha256").update(json(path)).digest("hex");
}

/** An encoded event as one JSON text. */
export function eventJson({ seq, from, at, type, data }: EncodedEvent): string {
  const covered = from === undefined ? "" : `,"from":${from}`;
  return `{"seq":${seq}${covered},"at":${json(at)},"type":${json(type)},"data":${data}}`;
}

function json(value: unknown): string {
  return JSON.stringify(value);
}

function checkNumbers(batch: AppendBatch): void {
  for (const [index, event] of batch.events.entries()) {
    const due = batch.expectedSeq + index + 1;
    if (event.seq === due) continue;
    throw new RuntimeError("sequence_conflict", `An event numbered ${event.seq} stands where ${due} belongs.`);
  }
}

function checkMessages(batch: AppendBatch): void {
  const ids = new Set<string>();
  const keys = new Set<string>();
  for (const { messageId, idempotencyKey } of batch.messages ?? []) {
    if (ids.has(messageId) || (idempotencyKey !== undefined && keys.has(idempotencyKey))) throw knownMessage(messageId);
    ids.add(messageId);
    if (idempotencyKey !== undefined) keys.add(idempotencyKey);
  }
}

function putFiles(batch: AppendBatch): { pathKey: string; entry: string }[] {
  const entries = new Map((batch.files?.put ?? []).map((entry) => [entry.path, json(entry)]));
  return [...entries].map(([path, entry]) => ({ pathKey: pathKey(path), entry }));
}

/** One write a block, the last; its place is the first one's. */
function encodeBlocks(batch: AppendBatch): EncodedBlock[] {
  const blocks = new Map<string, EncodedBlock>();
  for (const { blockId, conversationId, position, block } of batch.blocks ?? []) {
    const place = blocks.get(blockId) ?? { conversationId, position };
    blocks.set(blockId, {
      blockId,
      conversationId: place.conversationId,
      position: place.position,
      block: block === null ? null : json(block),
    });
  }
  return [...blocks.values()];
}

function encodeRecordUpdates(updates: SessionRecordUpdates): EncodedRecordUpdates {
  const { name, lastActivity, sessionOptions, metadata } = updates;
  return {
    ...(name === undefined ? {} : { name: json(name) }),
    ...(lastActivity === undefined ? {} : { lastActivity }),
    ...(sessionOptions === undefined ? {} : { sessionOptions: json(sessionOptions) }),
    ...(metadata === undefined ? {} : { metadata: json(metadata) }),
  };
}

function overviewAfter(batch: AppendBatch): EncodedOverview | null {
  const status = batch.events.findLast((event) => event.type === "session:status");
  const overview = batch.overview ?? (status === undefined ? undefined : { runtime: status.data.runtime });
  return overview === undefined ? null : { json: overviewJson(overview), isLoaded: overview.runtime.isLoaded };
}
