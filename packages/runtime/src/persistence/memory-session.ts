import type { FileEntry, PersistedSessionListData, SessionState } from "@hhopkins/agent-runtime-protocol";
import { coveredFromStart, isWholeBlob } from "./blob-coverage.ts";
import { eventJson, type EncodedBatch, type EncodedBlock, type EncodedEvent } from "./encoded-batch.ts";
import { clipped, compactedEvents, eventsAfter } from "./event-list.ts";
import { sortTime } from "./list-cursor.ts";
import { overviewJson, NEVER_RUN_JSON, parsedOverview, toldOverview, type OverviewJson } from "./session-overview.ts";
import type { LinesHeader } from "./session-lines.ts";
import type {
  BlobChunk,
  BlockWrite,
  Checkpoint,
  Compaction,
  RunnerCursor,
  SessionHead,
  SessionOverview,
  StoredEvent,
  StoredMessage,
  StoredSandbox,
  TranscriptPiece,
} from "./session-store.ts";
import { knownMessage, takenBefore, wrongSeq } from "./store-errors.ts";

function isBeyond(cursor: RunnerCursor, stored: RunnerCursor): boolean {
  return cursor.generation > stored.generation || (cursor.generation === stored.generation && cursor.n > stored.n);
}

/** What an earlier process saved of a session, but its files. */
export interface SavedSession {
  readonly header: LinesHeader | null;
  readonly events: readonly StoredEvent[];
  readonly messages: readonly StoredMessage[];
  readonly transcript: readonly TranscriptPiece[];
  readonly blocks: readonly BlockWrite[];
}

/** What a new session begins with. */
export interface MemorySessionStart {
  readonly tenant: string;
  readonly record: PersistedSessionListData;
  readonly logId: string;
}

function copied<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** One session in memory. What is kept is text, so nobody outside shares an object with it. */
export class MemorySession {
  readonly tenant: string;
  readonly sessionId: string;
  readonly logId: string;
  #record: PersistedSessionListData;
  #overview = NEVER_RUN_JSON;
  #events: EncodedEvent[] = [];
  #compactedTo = 0;
  #cursor: RunnerCursor | null = null;
  #sandbox: string | null = null;
  #generation = 0;
  #nativeSessionId: string | null = null;
  #snapshot: string | null = null;
  readonly #transcript: string[] = [];
  readonly #blobs = new Map<string, Map<number, BlobChunk>>();
  readonly #files = new Map<string, string>();
  /** What each path was, by the seq from which on; null: deleted. */
  readonly #fileVersions = new Map<string, { readonly seq: number; readonly entry: string | null }[]>();
  readonly #checkpoints: Checkpoint[] = [];
  readonly #blocks = new Map<string, EncodedBlock>();
  readonly #messages: StoredMessage[] = [];
  /** Of the last lease; 0 before the first. */
  fence = 0;
  /** The node that has the lease, whether it lives or not. */
  holder: string | null = null;
  /** Saved by `saveTranscript`, and the log's last seq then. */
  rawTranscript: { readonly text: string; readonly seq: number } | null = null;

  constructor({ tenant, record, logId }: MemorySessionStart) {
    this.tenant = tenant;
    this.sessionId = record.sessionId;
    this.logId = logId;
    this.#record = copied(record);
  }

  get lastSeq(): number {
    return this.#events.at(-1)?.seq ?? 0;
  }

  /** Everything that is kept of the session, counted: what would be rows elsewhere. */
  get size(): number {
    const parts = [this.#events, this.#transcript, this.#checkpoints, this.#messages];
    const versions = [...this.#fileVersions.values()].flat();
    const pieces = [...this.#blobs.values()].map((chunks) => chunks.size);
    const kept = [...parts, versions].map(({ length }) => length);
    return [1, this.#files.size, this.#blocks.size, ...kept, ...pieces].reduce((sum, count) => sum + count, 0);
  }

  get record(): PersistedSessionListData {
    return copied(this.#record);
  }

  /** What a list shows beside the record. */
  get overview(): SessionOverview {
    return parsedOverview(JSON.parse(this.#overview) as OverviewJson);
  }

  get runtime(): SessionState["runtime"] {
    return this.overview.runtime;
  }

  get sortAt(): number {
    return sortTime(this.#record);
  }

  get createdMs(): number {
    return Date.parse(this.#record.createdAt);
  }

  get sandbox(): StoredSandbox | null {
    return this.#sandbox === null ? null : (JSON.parse(this.#sandbox) as StoredSandbox);
  }

  /** Throws what the batch is refused with, before anything has changed. */
  check(batch: EncodedBatch): void {
    if (batch.expectedSeq !== this.lastSeq) throw wrongSeq(batch, this.lastSeq);
    const { cursor } = batch;
    if (cursor !== null && this.#cursor !== null && !isBeyond(cursor, this.#cursor)) throw takenBefore(batch, cursor);
    for (const { messageId, idempotencyKey } of batch.messages) {
      const known =
        this.message({ messageId }) ?? (idempotencyKey === undefined ? null : this.message({ idempotencyKey }));
      if (known !== null) throw knownMessage(messageId);
    }
  }

  /** Takes a batch that was checked. Cannot fail. */
  apply(batch: EncodedBatch): void {
    for (const event of batch.events) this.#events.push(event);
    this.#cursor = batch.cursor ?? this.#cursor;
    this.#nativeSessionId = batch.nativeSessionId ?? this.#nativeSessionId;
    this.#generation = Math.max(this.#generation, batch.generation);
    if (batch.sandbox !== undefined) this.#sandbox = batch.sandbox;
    this.#snapshot = batch.snapshot ?? this.#snapshot;
    this.#overview = batch.overview?.json ?? this.#overview;
    for (const entry of batch.transcript) this.#transcript.push(entry);
    for (const sha256 of batch.droppedBlobs) this.#blobs.delete(sha256);
    for (const chunk of batch.blobs) this.#putChunk(chunk);
    for (const pathKey of batch.deletedFiles) this.#putFile(pathKey, null, batch.filesSeq);
    for (const { pathKey, entry } of batch.putFiles) this.#putFile(pathKey, entry, batch.filesSeq);
    if (batch.checkpoint !== null) this.#checkpoints.push({ seq: batch.lastSeq, turnId: batch.checkpoint.turnId });
    for (const block of batch.blocks) {
      const position = this.#blocks.get(block.blockId)?.position ?? block.position;
      this.#blocks.set(block.blockId, { ...block, position });
    }
    for (const message of batch.messages) this.#messages.push({ ...message });
    if (batch.record !== null) this.#updateRecord(batch.record);
  }

  /** Takes what was saved of a session that has nothing yet. */
  restore(saved: SavedSession): void {
    this.#events = saved.events.map(({ data, ...event }) => ({ ...event, data: JSON.stringify(data) }));
    this.#compactedTo = saved.header?.compactedTo ?? 0;
    this.#cursor = saved.header?.cursor ?? null;
    this.#generation = saved.header?.generation ?? 0;
    this.#nativeSessionId = saved.header?.nativeSessionId ?? null;
    this.#sandbox = saved.header?.sandbox ? JSON.stringify(saved.header.sandbox) : null;
    for (const piece of saved.transcript) this.#transcript.push(JSON.stringify(piece));
    for (const message of saved.messages) this.#messages.push(message);
    for (const { block, ...write } of saved.blocks)
      this.#blocks.set(write.blockId, { ...write, block: block === null ? null : JSON.stringify(block) });
    this.#overview = overviewJson(toldOverview(saved.events));
  }

  head(): SessionHead {
    return {
      record: this.record,
      logId: this.logId,
      lastSeq: this.lastSeq,
      compactedTo: this.#compactedTo,
      snapshot: this.#snapshot === null ? null : (JSON.parse(this.#snapshot) as SessionState),
      cursor: this.#cursor === null ? null : { ...this.#cursor },
      sandbox: this.sandbox,
      nativeSessionId: this.#nativeSessionId,
      generation: this.#generation,
    };
  }

  /** JSON texts of the events after a seq. */
  eventTexts(after: number, limit = Infinity): string[] {
    const page = eventsAfter(this.#events, { after, limit });
    return page.map((event) => eventJson(clipped(event, after)));
  }

  /** Throws `invalid_request` before anything has changed. */
  compact(compaction: Compaction): void {
    this.#events = compactedEvents(this.#events, compaction.drop);
    this.#compactedTo = Math.max(this.#compactedTo, compaction.upTo);
  }

  /** JSON texts of `TranscriptPiece`s. */
  get transcript(): readonly string[] {
    return this.#transcript;
  }

  /** JSON texts of the file entries. */
  get files(): readonly string[] {
    return [...this.#files.values()];
  }

  /** The newest first. */
  get checkpoints(): readonly Checkpoint[] {
    return this.#checkpoints.map((checkpoint) => ({ ...checkpoint })).toReversed();
  }

  /** JSON texts of the file entries as of a seq. */
  filesAt(seq: number): readonly string[] {
    return [...this.#fileVersions.values()].flatMap(
      (versions) => versions.findLast((one) => one.seq <= seq)?.entry ?? [],
    );
  }

  #putFile(pathKey: string, entry: string | null, seq: number): void {
    if (entry === null) this.#files.delete(pathKey);
    else this.#files.set(pathKey, entry);
    const versions = (this.#fileVersions.get(pathKey) ?? []).filter((one) => one.seq !== seq);
    this.#fileVersions.set(pathKey, [...versions, { seq, entry }]);
  }

  block(blockId: string): EncodedBlock | null {
    return this.#blocks.get(blockId) ?? null;
  }

  /** Blocks of a conversation that were not taken back, by place. */
  conversation(conversationId: string): EncodedBlock[] {
    return [...this.#blocks.values()]
      .filter((block) => block.conversationId === conversationId && block.block !== null)
      .sort((a, b) => a.position - b.position);
  }

  /** Every message that was ever taken. */
  get messages(): readonly StoredMessage[] {
    return this.#messages;
  }

  /** Pieces of blobs that no file has had. */
  looseChunks(): readonly BlobChunk[] {
    const known = new Set<string>();
    for (const versions of this.#fileVersions.values())
      for (const { entry } of versions) if (entry !== null) known.add((JSON.parse(entry) as FileEntry).sha256 ?? "");
    return [...this.#blobs].flatMap(([sha256, chunks]) => (known.has(sha256) ? [] : [...chunks.values()]));
  }

  message({ messageId, idempotencyKey }: { messageId?: string; idempotencyKey?: string }): StoredMessage | null {
    const known = this.#messages.find(
      (message) =>
        (messageId !== undefined && message.messageId === messageId) ||
        (idempotencyKey !== undefined && message.idempotencyKey === idempotencyKey),
    );
    return known === undefined ? null : { ...known };
  }

  blobSize(sha256: string): number {
    return coveredFromStart(this.#pieces(sha256));
  }

  /** The pieces of a whole blob in order, or null. */
  blob(sha256: string): readonly BlobChunk[] | null {
    if (!isWholeBlob(this.#pieces(sha256))) return null;
    return [...this.chunks(sha256)].sort((a, b) => a.offset - b.offset);
  }

  /** The pieces that are there of a blob, whole or not. */
  chunks(sha256: string): readonly BlobChunk[] {
    return [...(this.#blobs.get(sha256)?.values() ?? [])];
  }

  #pieces(sha256: string): { offset: number; length: number; total: number }[] {
    return this.chunks(sha256).map(({ offset, bytes, total }) => ({ offset, length: bytes.byteLength, total }));
  }

  #putChunk(chunk: BlobChunk): void {
    const chunks = this.#blobs.get(chunk.sha256) ?? new Map<number, BlobChunk>();
    this.#blobs.set(chunk.sha256, chunks);
    if (!chunks.has(chunk.offset)) chunks.set(chunk.offset, { ...chunk, bytes: new Uint8Array(chunk.bytes) });
  }

  #updateRecord(updates: NonNullable<EncodedBatch["record"]>): void {
    const { name, lastActivity, sessionOptions, metadata } = updates;
    this.#record = {
      ...this.#record,
      ...(name === undefined ? {} : { name: JSON.parse(name) }),
      ...(lastActivity === undefined ? {} : { lastActivity }),
      ...(sessionOptions === undefined ? {} : { sessionOptions: JSON.parse(sessionOptions) }),
      ...(metadata === undefined ? {} : { metadata: JSON.parse(metadata) }),
    };
  }
}
