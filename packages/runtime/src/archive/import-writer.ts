import {
  initialState,
  INLINE_FILE_BYTES,
  reduceAll,
  type EventDraft,
  type FileEntry,
  type PersistedSessionListData,
  type SessionEvent,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { createHash } from "node:crypto";
import { isUtf8 } from "node:buffer";
import { numbered } from "../log/session-log.ts";
import { collectBytes } from "../persistence/blob-bytes.ts";
import { blockWrites } from "../persistence/block-writes.ts";
import { deletedFiles, eventFile, fileChanges } from "../persistence/file-changes.ts";
import type { AppendBatch, SessionKey, SessionStore, StoredMessage } from "../persistence/session-store.ts";
import { closingEvents } from "../session/turn-closing.ts";

const PAGE_EVENTS = 500;
const PAGE_LINES = 500;
const PAGE_CHARS = 1024 * 1024;

export interface ImportParts {
  readonly store: SessionStore;
  readonly newId: () => string;
  readonly now: () => Date;
}

/** Writes a session from its parts, in pages, with a log of its own: numbered anew, without what only its old server was. */
export class ImportWriter {
  readonly #parts: ImportParts;
  readonly #key: SessionKey;
  #state: SessionState;
  #isCreated = false;
  #record: PersistedSessionListData;
  #events: { draft: EventDraft; at: string }[] = [];
  #chars = 0;
  #transcript: { key: string; lines: string[] }[] = [];
  #lines = 0;
  #files: FileEntry[] = [];
  #lastTurn: string | undefined;

  constructor(parts: ImportParts, key: SessionKey, record: PersistedSessionListData) {
    this.#parts = parts;
    this.#key = key;
    this.#record = { ...record, sessionId: key.sessionId };
    this.#state = initialState(key.sessionId, parts.newId());
  }

  /** The session is in the store, if not whole. */
  get isCreated(): boolean {
    return this.#isCreated;
  }

  async event({ type, data, at }: Pick<SessionEvent, "type" | "data" | "at">): Promise<void> {
    // How a server had the session is nothing of the session's own.
    if (type === "session:status") return;
    // An archive has no profile: here it is what it is here.
    if (type === "session:profile:update") return;
    const own = { ...data, sessionId: this.#key.sessionId };
    const draft = {
      type,
      data: type === "session:created" ? { sessionId: own.sessionId, session: this.#record } : own,
    } as EventDraft;
    if (draft.type === "session:turn:completed") this.#lastTurn = draft.data.turnId;
    this.#events.push({ draft, at });
    this.#chars += JSON.stringify(data).length;
    if (this.#events.length >= PAGE_EVENTS || this.#chars >= PAGE_CHARS) await this.#writeEvents();
  }

  async transcript(key: string, line: string): Promise<void> {
    const last = this.#transcript.at(-1);
    if (last?.key === key) last.lines.push(line);
    else this.#transcript.push({ key, lines: [line] });
    this.#lines += 1;
    this.#chars += line.length;
    if (this.#lines >= PAGE_LINES || this.#chars >= PAGE_CHARS) await this.#writeTranscript();
  }

  async blob(chunk: NonNullable<AppendBatch["blobs"]>[number]): Promise<void> {
    await this.#writeEvents();
    await this.#append({ blobs: [chunk] });
  }

  file(entry: FileEntry): void {
    this.#files.push(entry);
  }

  /** Ends what was open, and keeps the state. Answers with it. */
  async end(nativeSessionId: string | null): Promise<SessionState> {
    await this.#writeEvents();
    await this.#writeTranscript();
    const at = this.#parts.now().toISOString();
    for (const draft of [...(await this.#changedFiles()), ...(await this.#closing())]) this.#events.push({ draft, at });
    await this.#writeEvents();
    await this.#append({
      files: { put: this.#files, deleted: [] },
      ...(nativeSessionId === null ? {} : { nativeSessionId }),
      ...(this.#lastTurn === undefined ? {} : { checkpoint: { turnId: this.#lastTurn } }),
      snapshot: this.#state,
    });
    return this.#state;
  }

  async #writeEvents(): Promise<void> {
    const pending = this.#events.splice(0);
    this.#chars = 0;
    if (pending.length === 0) return;
    const first = this.#state.lastSeq + 1;
    const events = pending.map(({ draft, at }, index) => numbered(draft, { seq: first + index, at }).event);
    const next = reduceAll(this.#state, events);
    const blocks = await blockWrites(
      events,
      async (id) => (await this.#parts.store.block(this.#key, id))?.block ?? null,
    );
    await this.#append({ events, blocks, messages: events.flatMap(messageOf) });
    this.#state = next;
  }

  async #writeTranscript(): Promise<void> {
    await this.#writeEvents();
    const transcript = this.#transcript.splice(0);
    this.#lines = 0;
    this.#chars = 0;
    if (transcript.length > 0) await this.#append({ transcript });
  }

  async #append(write: Partial<AppendBatch>): Promise<void> {
    const { store } = this.#parts;
    if (!this.#isCreated) {
      const { logId } = this.#state;
      await store.create({ ...this.#key, record: this.#record, logId, first: { events: [], ...write } });
      this.#isCreated = true;
      return;
    }
    const batch = { ...this.#key, expectedSeq: this.#state.lastSeq, events: [], ...write };
    const [failure] = await store.append([batch]);
    if (failure !== null && failure !== undefined) throw failure;
  }

  /** The files can be newer than the log, or older where their bytes were not kept. */
  async #changedFiles(): Promise<EventDraft[]> {
    const { sessionId } = this.#key;
    const changes = fileChanges(this.#state.workspaceFiles, this.#files);
    const drafts: EventDraft[] = [];
    for (const { type, entry } of changes.changed)
      drafts.push({ type, data: { sessionId, file: eventFile(entry, await this.#inline(entry)) } });
    return [...drafts, ...deletedFiles(sessionId, changes)];
  }

  /** What of a file stands in its event: all of it, where it is a short text. */
  async #inline({ type = "file", sha256, size = Infinity }: FileEntry): Promise<string | undefined> {
    if (type !== "file" || sha256 === undefined || size > INLINE_FILE_BYTES) return undefined;
    const bytes = await collectBytes(this.#parts.store.blob(this.#key, sha256));
    return isUtf8(bytes) ? Buffer.from(bytes).toString("utf8") : undefined;
  }

  async #closing(): Promise<EventDraft[]> {
    const { store, newId, now } = this.#parts;
    const { sessionId } = this.#key;
    const state = this.#state;
    const turn = await closingEvents({ state, store, key: this.#key, newId, now, status: "interrupted" });
    const withdrawn = state.queue.map(({ messageId }): EventDraft => ({
      type: "session:message:withdrawn",
      data: { sessionId, messageId },
    }));
    return [...turn, ...withdrawn];
  }
}

/** So that a message with the same id counts once, here too. */
function messageOf(event: SessionEvent): StoredMessage[] {
  if (event.type !== "session:message:queued") return [];
  const { messageId, content } = event.data;
  return [{ messageId, contentHash: createHash("sha256").update(content).digest("hex") }];
}
