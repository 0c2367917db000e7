import type { FileEntry, WorkspaceFile } from "@hhopkins/agent-runtime-protocol";
import { called } from "./adapter-rows.ts";
import { coveredFromStart } from "./blob-coverage.ts";
import { eventJson, type EncodedBatch } from "./encoded-batch.ts";
import { contentOf } from "./file-content.ts";
import type { MemorySession } from "./memory-session.ts";
import { packEvent, packLines } from "./packed-transcript.ts";
import type { PersistenceAdapter, SessionRecordUpdates } from "./port.ts";
import type { AppendBatch } from "./session-store.ts";

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

/** Whether the transcript must be saved before the batch counts as written. */
export function isSavedAtOnce({ batch }: SeedWrite): boolean {
  return batch.events.some((event) => SAVED_AT_ONCE.has(event.type));
}

/** Hands a batch to an adapter's methods. Rejects with `persistence_unavailable` when one of them fails. */
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
  if (isSavedAtOnce(write)) await saveTranscript(adapter, session, write.batch);
}

/** Saves a session's whole transcript, with a batch that is not in memory yet. */
export async function saveTranscript(
  adapter: PersistenceAdapter,
  session: MemorySession,
  batch?: EncodedBatch,
): Promise<void> {
  const events = [...session.eventTexts(0), ...(batch?.events ?? []).map(eventJson)];
  const pieces = [...session.transcript, ...(batch?.transcript ?? [])];
  const lines = pieces.map((piece) => packLines(JSON.parse(piece) as { key: string; lines: string[] }));
  const text = events.map(packEvent).join("") + lines.join("");
  await called("saveTranscript", () => adapter.saveTranscript(session.sessionId, text));
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
