import type { FileEntry, WorkspaceFile } from "@hhopkins/agent-runtime-protocol";
import { called } from "./adapter-rows.ts";
import { coveredFromStart } from "./blob-coverage.ts";
import { eventJson, type EncodedBatch } from "./encoded-batch.ts";
import { contentOf } from "./file-content.ts";
import type { MemorySession } from "./memory-session.ts";
import type { PersistenceAdapter, SessionRecordUpdates } from "./port.ts";
import { isAtRest } from "./seed-sessions.ts";
import { lineOf, type LinesHeader } from "./session-lines.ts";
import type { AppendBatch, BlobChunk, RunnerCursor, StoredSandbox } from "./session-store.ts";

/** Events whose sender was told, or will be, that they are kept. */
const SAVED_AT_ONCE: ReadonlySet<string> = new Set([
  "session:created",
  "session:message:queued",
  "session:message:updated",
  "session:message:withdrawn",
  "session:turn:completed",
  "session:ask:resolved",
]);

/** A batch that was checked and is not in memory yet. */
export interface SeedWrite {
  readonly session: MemorySession;
  readonly batch: EncodedBatch;
  readonly given: Pick<AppendBatch, "files" | "record">;
}

/**
 * Whether the transcript must be saved before the batch counts as written: for what was promised to somebody, for a
 * sandbox that could not be found again, and where no server holds the session before or after it: what is saved then
 * counts as all that was seen of its log.
 */
export function isSavedAtOnce(write: SeedWrite): boolean {
  const { session, batch } = write;
  const isPromised = batch.events.some((event) => SAVED_AT_ONCE.has(event.type));
  return isPromised || batch.sandbox !== undefined || isAtRest(session) || isAtRestAfter(write);
}

/** No server holds the session once the batch is written. */
export function isAtRestAfter({ session, batch }: Pick<SeedWrite, "session" | "batch">): boolean {
  const isLoaded = batch.overview?.isLoaded ?? session.runtime.isLoaded;
  const sandbox = batch.sandbox === undefined ? session.sandbox : batch.sandbox;
  return !isLoaded && sandbox === null;
}

/** Hands what a batch has of records and files to an adapter's methods. Rejects with `persistence_unavailable` when one of them fails. */
export async function writeThrough(adapter: PersistenceAdapter, write: SeedWrite): Promise<void> {
  const { session, given } = write;
  const { sessionId } = session;
  const updates = definedFields(given.record ?? {});
  if (Object.keys(updates).length > 0) {
    await called("updateSessionRecord", () => adapter.updateSessionRecord(sessionId, updates));
  }
  for (const path of given.files?.deleted ?? []) {
    await called("deleteSessionFile", () => adapter.deleteSessionFile(sessionId, path));
  }
  for (const entry of given.files?.put ?? []) {
    const file = workspaceFile(write, entry);
    await called("saveWorkspaceFile", () => adapter.saveWorkspaceFile(sessionId, file));
  }
}

/** Saves a session's whole transcript, with a batch that is not in memory yet. Answers with the runner cursor that it has. */
export async function saveTranscript(
  adapter: PersistenceAdapter,
  session: MemorySession,
  batch?: EncodedBatch,
): Promise<RunnerCursor | null> {
  const header = headerOf(session, batch);
  const lines = [
    lineOf.header(header),
    ...[...session.eventTexts(0), ...(batch?.events ?? []).map(eventJson)].map(lineOf.event),
    ...[...session.messages, ...(batch?.messages ?? [])].map(lineOf.message),
    ...[...session.transcript, ...(batch?.transcript ?? [])].map((piece) =>
      lineOf.transcript(JSON.parse(piece) as { key: string; lines: string[] }),
    ),
    ...looseChunks(session, batch).map(lineOf.blob),
  ];
  await called("saveTranscript", () => adapter.saveTranscript(session.sessionId, lines.join("")));
  return header.cursor ?? null;
}

function headerOf(session: MemorySession, batch: EncodedBatch | undefined): LinesHeader {
  const { logId, compactedTo, cursor, generation, nativeSessionId, sandbox } = session.head();
  if (batch === undefined)
    return { logId, closed: isAtRest(session), compactedTo, cursor, generation, nativeSessionId, sandbox };
  return {
    logId,
    closed: isAtRestAfter({ session, batch }),
    compactedTo,
    cursor: batch.cursor ?? cursor,
    generation: Math.max(generation, batch.generation),
    nativeSessionId: batch.nativeSessionId ?? nativeSessionId,
    sandbox: sandboxAfter(sandbox, batch),
  };
}

function sandboxAfter(before: StoredSandbox | null, { sandbox }: EncodedBatch): StoredSandbox | null {
  if (sandbox === undefined) return before;
  return sandbox === null ? null : (JSON.parse(sandbox) as StoredSandbox);
}

/** Bytes that the adapter has not been given, because their file is not known yet. */
function looseChunks(session: MemorySession, batch: EncodedBatch | undefined): readonly BlobChunk[] {
  const put = new Set((batch?.putFiles ?? []).map(({ entry }) => (JSON.parse(entry) as FileEntry).sha256));
  const chunks = [...session.looseChunks(), ...(batch?.blobs ?? [])];
  return chunks.filter(({ sha256 }) => !put.has(sha256));
}

function definedFields(updates: SessionRecordUpdates): SessionRecordUpdates {
  return Object.fromEntries(Object.entries(updates).filter(([, value]) => value !== undefined));
}

/** An entry with its bytes, where all of them are in memory or in the batch; else `truncated`. */
function workspaceFile(write: SeedWrite, entry: FileEntry): WorkspaceFile {
  if (entry.sha256 === undefined) return entry;
  const bytes = blobBytes(write, entry.sha256);
  return bytes === null ? { ...entry, truncated: true } : { ...entry, ...contentOf(bytes) };
}

function blobBytes({ session, batch }: SeedWrite, sha256: string): Uint8Array | null {
  const chunks = [...session.chunks(sha256), ...batch.blobs.filter((chunk) => chunk.sha256 === sha256)];
  const total = chunks[0]?.total;
  const pieces = chunks.map(({ offset, bytes }) => ({ offset, length: bytes.byteLength, total: total ?? 0 }));
  if (total === undefined || coveredFromStart(pieces) < total) return null;
  const whole = new Uint8Array(total);
  for (const { offset, bytes } of chunks) whole.set(bytes.subarray(0, total - offset), offset);
  return whole;
}
