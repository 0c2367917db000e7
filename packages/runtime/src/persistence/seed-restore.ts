import { createHash } from "node:crypto";
import { isUtf8 } from "node:buffer";
import {
  initialState,
  INLINE_FILE_BYTES,
  reduceAll,
  RuntimeError,
  toRuntimeError,
  type EventDraft,
  type FileEntry,
  type PersistedSessionData,
  type PersistedSessionListData,
  type SessionEvent,
  type WorkspaceFile,
} from "@hhopkins/agent-runtime-protocol";
import { blockWrites } from "./block-writes.ts";
import { encodeBatch } from "./encoded-batch.ts";
import { deletedFiles, eventFile, fileChanges } from "./file-changes.ts";
import { decodeContent } from "./file-content.ts";
import { MemorySession, type SavedSession } from "./memory-session.ts";
import { DEFAULT_TENANT } from "./nine-methods.ts";
import { parseLine, type LinesHeader } from "./session-lines.ts";
import type { BlobChunk, StoredEvent, StoredMessage } from "./session-store.ts";

export interface RestoreParts {
  readonly newId: () => string;
  readonly now: () => Date;
}

/**
 * A session as an adapter with the nine methods gives it back. Its log is the saved one where all of it was saved;
 * after a crash, and where there is none, it has a new `logId`. What the adapter's files have beyond the log becomes events.
 * `isChanged`: it is not what is saved, and should be.
 */
export async function restoredSession(
  data: PersistedSessionData,
  parts: RestoreParts,
): Promise<{ readonly session: MemorySession; readonly isChanged: boolean }> {
  const { rawTranscript, workspaceFiles, ...record } = data;
  const saved = savedLines(rawTranscript ?? "", data.sessionId);
  const whole = saved.header?.closed === true;
  const logId = whole && saved.header !== null ? saved.header.logId : parts.newId();
  const session = new MemorySession({ tenant: DEFAULT_TENANT, record, logId });
  const events = saved.events.length > 0 ? saved.events : [createdEvent(record)];
  session.restore({ ...saved, events, blocks: await blockWrites(events, async () => null) });
  addFiles(session, { events, files: workspaceFiles, blobs: saved.blobs, at: parts.now().toISOString() });
  return { session, isChanged: !whole || session.lastSeq > (events.at(-1)?.seq ?? 0) };
}

type SavedLines = Omit<SavedSession, "blocks"> & { readonly blobs: readonly BlobChunk[] };

/** Throws `persistence_unavailable` for a text that is damaged; one that was never ours has no events. */
function savedLines(text: string, sessionId: string): SavedLines {
  let header: LinesHeader | null = null;
  const events: StoredEvent[] = [];
  const messages: StoredMessage[] = [];
  const transcript: { key: string; lines: string[] }[] = [];
  const blobs: BlobChunk[] = [];
  const isOurs = text.startsWith('{"session":{"format":');
  for (const [index, line] of (isOurs ? text.split("\n") : []).entries()) {
    if (line === "") continue;
    const read = readLine(line, { sessionId, number: index + 1 });
    if (read.kind === "session") header = read.header;
    else if (read.kind === "event") events.push(read.event);
    else if (read.kind === "message") messages.push(read.message);
    else if (read.kind === "blob") blobs.push(read.chunk);
    else if (read.kind === "transcript") {
      const last = transcript.at(-1);
      if (last?.key === read.key) last.lines.push(read.line);
      else transcript.push({ key: read.key, lines: [read.line] });
    }
  }
  checkOrder(events, sessionId);
  return { header, events, messages, transcript, blobs };
}

function readLine(line: string, at: { sessionId: string; number: number }): ReturnType<typeof parseLine> {
  try {
    return parseLine(line, `line ${at.number}`);
  } catch (cause) {
    throw damaged(at.sessionId, toRuntimeError(cause).message, cause);
  }
}

function checkOrder(events: readonly StoredEvent[], sessionId: string): void {
  let last = 0;
  for (const { seq, from = seq } of events) {
    if (from !== last + 1) throw damaged(sessionId, `the log has nothing between ${last} and ${from}`);
    last = seq;
  }
}

function damaged(sessionId: string, what: string, cause?: unknown): RuntimeError {
  const message = `PersistenceAdapter.loadSession gave session ${sessionId} back with another transcript than was saved: ${what}.`;
  return new RuntimeError("persistence_unavailable", message, { cause });
}

function createdEvent(session: PersistedSessionListData): SessionEvent {
  const { sessionId } = session;
  return { seq: 1, at: session.createdAt, type: "session:created", data: { sessionId, session } };
}

interface FilesToAdd {
  readonly events: readonly StoredEvent[];
  readonly files: readonly WorkspaceFile[];
  readonly blobs: readonly BlobChunk[];
  readonly at: string;
}

/** Files are saved before the log is: what differs from it becomes events, so that the state is what is kept. */
function addFiles(session: MemorySession, { events, files, blobs, at }: FilesToAdd): void {
  const { sessionId, tenant, logId } = session;
  const stored = files.map(storedFile);
  const inline = new Map(stored.map(({ entry, content }) => [entry.path, content]));
  const logged = reduceAll(initialState(sessionId, logId), events).workspaceFiles;
  const kept = stored.map(({ entry }) => entry);
  const changes = fileChanges(logged, kept);
  const drafts: EventDraft[] = [
    ...changes.changed.map(({ type, entry }) => ({
      type,
      data: { sessionId, file: eventFile(entry, inline.get(entry.path)) },
    })),
    ...deletedFiles(sessionId, changes),
  ];
  const expectedSeq = session.lastSeq;
  session.apply(
    encodeBatch({
      tenant,
      sessionId,
      expectedSeq,
      events: drafts.map((draft, index) => ({ seq: expectedSeq + index + 1, at, ...draft })),
      files: { put: kept, deleted: [] },
      blobs: [...blobs, ...stored.flatMap(({ chunk }) => chunk ?? [])],
    }),
  );
}

interface StoredFile {
  readonly entry: FileEntry;
  readonly chunk?: BlobChunk;
  /** In full, where it stands in its event. */
  readonly content?: string;
}

function storedFile(file: WorkspaceFile): StoredFile {
  const { content, encoding, truncated: _truncated, ...entry } = file;
  if (content === undefined) return { entry };
  const bytes = decodeContent(content, encoding);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const chunk = { sha256, offset: 0, total: bytes.byteLength, bytes };
  const isText = bytes.byteLength <= INLINE_FILE_BYTES && isUtf8(bytes);
  return {
    entry: { ...entry, sha256, size: bytes.byteLength },
    chunk,
    ...(isText ? { content: Buffer.from(bytes).toString("utf8") } : {}),
  };
}
