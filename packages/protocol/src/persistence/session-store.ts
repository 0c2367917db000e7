import type { ConversationBlock } from "../blocks.ts";
import type { SessionEvent } from "../events.ts";
import type { FileEntry } from "../files.ts";
import type { SessionState } from "../reducer/state.ts";
import type { PersistedSessionListData, SessionListItem } from "../session.ts";
import type { ClusterStore } from "./cluster-store.ts";
import type { SessionRecordUpdates } from "./port.ts";

/** Which session of which tenant. */
export interface SessionKey {
  readonly tenant: string;
  readonly sessionId: string;
}

/** Up to which entry of which sandbox's journal everything is saved. */
export interface RunnerCursor {
  readonly generation: number;
  readonly n: number;
}

/** How a sandbox is found again; `ref` is the provider's own, plain JSON. */
export interface StoredSandbox {
  readonly provider: string;
  readonly generation: number;
  readonly ref: unknown;
  /** What this sandbox shows the gateway. A secret of this generation only. */
  readonly token: string;
  /** The runner was given its start command, and from then on owns the workspace. */
  readonly started: boolean;
  /** What its provider has as the tag `session`, where that is not the session's id: it was started before it was its. */
  readonly tag?: string;
  /** Content of the profile that its harness was started with; absent: of no known one. */
  readonly profileVersion?: string;
  /** Where it lives: nodes of the same place can attach to it. */
  readonly place?: string;
}

/** A message's ids, for as long as its session exists. */
export interface StoredMessage {
  readonly messageId: string;
  readonly idempotencyKey?: string;
  /** SHA-256 of the content that was sent first. */
  readonly contentHash: string;
  /** Place in the queue that was answered first; absent when a turn could take it at once. */
  readonly position?: number;
}

/** A piece of a blob. Pieces may come in any order; a piece at the same offset again is ignored. */
export interface BlobChunk {
  readonly sha256: string;
  readonly offset: number;
  /** Bytes of the whole blob: it is complete when so many are there without a hole. */
  readonly total: number;
  readonly bytes: Uint8Array;
}

/** Lines of a harness's transcript that were appended together. */
export interface TranscriptPiece {
  readonly key: string;
  readonly lines: readonly string[];
  /**
   * The number after the log's last one before they were appended, so that a checkpoint with a lower seq is without
   * them. Absent where it was not kept: such pieces are older than all with one.
   */
  readonly seq?: number;
}

export interface BlockWrite {
  readonly conversationId: string;
  /** Place in the session: seq of the block's start event. It never changes: a known block keeps its own. */
  readonly position: number;
  /** null: the block was taken back. */
  readonly block: ConversationBlock | null;
  readonly blockId: string;
}

/** One atomic write to one session: all of it is kept, or nothing. */
export interface AppendBatch extends SessionKey {
  /** The log's last seq before this batch; another one is refused with `sequence_conflict`. */
  readonly expectedSeq: number;
  /** Of the writer's lease; where the session has another one by now the batch is refused with `stale_fence`, whatever else is wrong. */
  readonly fence?: number;
  /** Numbered `expectedSeq` + 1, + 2, …; may be empty. */
  readonly events: readonly SessionEvent[];
  /** One that is not beyond the stored one is refused with `sequence_conflict`. */
  readonly cursor?: RunnerCursor;
  readonly transcript?: readonly { readonly key: string; readonly lines: readonly string[] }[];
  readonly blobs?: readonly BlobChunk[];
  /** Blobs whose stored bytes are removed before `blobs` are put: what was read back of them was wrong. */
  readonly droppedBlobs?: readonly string[];
  /** A path stands in one of the two; where it stands in both it is put. */
  readonly files?: {
    readonly put: readonly FileEntry[];
    readonly deleted: readonly string[];
  };
  readonly blocks?: readonly BlockWrite[];
  /** A `messageId` or `idempotencyKey` that the session has already is refused with `conflict`. */
  readonly messages?: readonly StoredMessage[];
  /** null: there is none any more. */
  readonly sandbox?: StoredSandbox | null;
  readonly nativeSessionId?: string;
  /** The state after the last event: what a later load starts from. */
  readonly snapshot?: SessionState;
  readonly record?: SessionRecordUpdates;
  /** What lists show beside the record from now on; absent: as it was, but for `runtime` where `events` say that. */
  readonly overview?: SessionOverview;
  /** The files as this batch leaves them stay readable, by the seq of its last event. */
  readonly checkpoint?: { readonly turnId: string };
}

/** The workspace as it was when a turn ended. */
export interface Checkpoint {
  /** Seq of the last event that it covers. */
  readonly seq: number;
  readonly turnId: string;
}

/** An event as it is read back; `from` where the log has no other number from there up to its own any more. */
export type StoredEvent = SessionEvent & { readonly from?: number };

/** Events that are needless now: those numbered `from` to `to`, in each of the ranges. */
export interface Compaction {
  /** In order; no two touch. The log's last event is in none. */
  readonly drop: readonly { readonly from: number; readonly to: number }[];
  /** There is nothing else to drop up to here. */
  readonly upTo: number;
}

/** What a server needs to load a session, beside the events after `snapshot`. */
export interface SessionHead {
  readonly record: PersistedSessionListData;
  readonly logId: string;
  readonly lastSeq: number;
  /** Up to where the log was compacted; 0 where it never was. It never falls. */
  readonly compactedTo: number;
  /** null: none is kept, or another version of the protocol wrote it: reduce the log from its beginning. */
  readonly snapshot: SessionState | null;
  readonly cursor: RunnerCursor | null;
  readonly sandbox: StoredSandbox | null;
  readonly nativeSessionId: string | null;
  /** Generation of the newest sandbox that was ever begun; 0 before the first. */
  readonly generation: number;
}

/** Which sessions to list, and in which order. */
export interface SessionListQuery {
  readonly tenant: string;
  readonly limit: number;
  /** From an earlier answer to the same query. */
  readonly cursor?: string;
  /** Newest first, by their latest activity (the default) or by their creation; then by id. */
  readonly order?: "activity" | "created";
  /** Only those of which all of this is true. */
  readonly filter?: {
    readonly type?: string;
    readonly agentProfileReference?: string;
    readonly isLoaded?: boolean;
    /** ISO 8601; from then on, and before then. */
    readonly createdFrom?: string;
    readonly createdBefore?: string;
    readonly activeFrom?: string;
    readonly activeBefore?: string;
  };
}

/** What a list shows of a session beside its record. */
export type SessionOverview = Pick<SessionListItem, "runtime" | "activity" | "sessionMetadata">;

export interface SessionPage {
  readonly sessions: readonly SessionListItem[];
  readonly nextCursor?: string;
}

/**
 * CAPABILITY of a persistence adapter: the session log and all that belongs to it. Errors are `RuntimeError`s:
 * `sequence_conflict` for a batch whose `expectedSeq` is not the log's, `session_not_found`, `conflict`
 * (create of an id that exists), `invalid_request` for a cursor that is none, `persistence_unavailable` for whatever else.
 * Every method is scoped by tenant: another tenant's session is not found. Reading from a session that is not there
 * answers with nothing (null, an empty list). What was read is a copy: changing it changes nothing here.
 */
export interface SessionStore {
  /** Creates the session with the log's first events, numbered from 1. */
  create(
    session: SessionKey & {
      record: PersistedSessionListData;
      logId: string;
      first: Omit<AppendBatch, "tenant" | "sessionId" | "expectedSeq">;
    },
  ): Promise<void>;
  /**
   * Writes the batches, each atomic, in order, together in one transaction where that is cheaper. The answer has an
   * entry a batch: null, or why it was refused. A batch that was refused leaves no trace and does not affect others.
   */
  append(batches: readonly AppendBatch[]): Promise<readonly (Error | null)[]>;
  /**
   * Events with seq > `after`, in order, at most `limit`. What a compaction dropped is missing, and the event after it
   * says so: its `from` is the first number that it stands for, here never below `after` + 1.
   */
  events(key: SessionKey, page: { after: number; limit: number }): Promise<readonly StoredEvent[]>;
  /**
   * Drops events, all of them or none, at any time beside appends. Doing it again changes nothing. A range that
   * reaches the log's last event is refused with `invalid_request`; a session that is not there has nothing to drop.
   */
  compact(key: SessionKey, compaction: Compaction): Promise<void>;
  /** null: no such session of this tenant. */
  head(key: SessionKey): Promise<SessionHead | null>;
  /**
   * Blocks as they are now, whole, oldest first: the `limit` last ones before the block `before` (a block's id; absent:
   * from the end; one that was taken back is as good). `more`: there are older ones.
   */
  blocks(
    key: SessionKey,
    page: { conversationId: string; before?: string; limit: number },
  ): Promise<{ readonly blocks: readonly ConversationBlock[]; readonly more: boolean }>;
  /** One block and its place, or null. */
  block(
    key: SessionKey,
    blockId: string,
  ): Promise<{ block: ConversationBlock; position: number; conversationId: string } | null>;
  files(key: SessionKey): Promise<readonly FileEntry[]>;
  /** Checkpoints, the newest first; `before`: those with a lower seq. */
  checkpoints(key: SessionKey, page: { before?: number; limit: number }): Promise<readonly Checkpoint[]>;
  /** The files as of a checkpoint's seq, whatever became of them since. */
  filesAt(key: SessionKey, seq: number): Promise<readonly FileEntry[]>;
  /** Bytes of a blob in pieces, in order; nothing where it is unknown or not complete. */
  blob(key: SessionKey, sha256: string): AsyncIterable<Uint8Array>;
  /** Bytes of this blob that are stored from offset 0 on without a hole. */
  blobSize(key: SessionKey, sha256: string): Promise<number>;
  /** Keys and lines of the harness's transcript, lines in order of appending, in pages. */
  transcript(key: SessionKey): AsyncIterable<TranscriptPiece>;
  message(key: SessionKey, by: { messageId?: string; idempotencyKey?: string }): Promise<StoredMessage | null>;
  /** Sessions of one tenant. */
  list(query: SessionListQuery): Promise<SessionPage>;
  /**
   * Sessions of all tenants that a server holds, or held when it ended: those whose latest `session:status` says
   * `isLoaded`, and those with a sandbox. A starting server goes through them.
   */
  claimed(): Promise<readonly (SessionKey & { readonly sandbox: StoredSandbox | null })[]>;
  /** Removes the session and everything of it; resolves where there is none. */
  delete(key: SessionKey): Promise<void>;
  /** Where appends may resolve before they are kept: keeps what waits. Called before the adapter is closed. */
  flush?(): Promise<void>;
  /**
   * Where appends may resolve before they are kept: up to which entry of its runner's journal what is kept of a session
   * goes. The runner is told to forget those, and no others. null: nothing yet.
   */
  savedCursor?(key: SessionKey): RunnerCursor | null;
  /** Capability: see `ClusterStore`. */
  readonly cluster?: ClusterStore;
}
