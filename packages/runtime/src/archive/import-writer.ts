import {
  initialState,
  reduceAll,
  SESSION_START,
  type EventDraft,
  type FileEntry,
  type ForkOrigin,
  type PersistedSessionListData,
  type SessionEvent,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { numbered } from "../log/session-log.ts";
import { inlineContent } from "../persistence/inline-content.ts";
import { blockWrites } from "../persistence/block-writes.ts";
import { overviewOf, NEVER_RUN } from "../persistence/session-overview.ts";
import { deletedFiles, eventFile, fileChanges } from "../persistence/file-changes.ts";
import type { AppendBatch, BlobChunk, SessionKey, SessionStore, StoredMessage } from "../persistence/session-store.ts";
import type { ProfilePin } from "../session/pinned-profile.ts";
import { contentHashOf } from "../session/message-queue.ts";
import { closingEvents } from "../session/turn-closing.ts";

const PAGE_EVENTS = 500;
const PAGE_LINES = 500;
const PAGE_CHARS = 1024 * 1024;
const PAGE_BLOBS = 200;
const PAGE_BYTES = 1024 * 1024;

export interface ImportParts {
  readonly store: SessionStore;
  readonly newId: () => string;
  readonly now: () => Date;
}

export interface ImportedSession {
  readonly record: PersistedSessionListData;
  /** The content of its profile that it keeps to. */
  readonly pin: ProfilePin;
  /** Of a fork. */
  readonly forkedFrom?: ForkOrigin;
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
  #lastAt = "";
  #transcript: { key: string; lines: string[] }[] = [];
  #lines = 0;
  #blobs: BlobChunk[] = [];
  #bytes = 0;
  #files: FileEntry[] = [];
  readonly #pin: ProfilePin;
  readonly #forkedFrom: ForkOrigin | undefined;
  #lastTurn = SESSION_START;

  constructor(parts: ImportParts, key: SessionKey, { record, pin, forkedFrom }: ImportedSession) {
    this.#parts = parts;
    this.#key = key;
    this.#pin = pin;
    this.#forkedFrom = forkedFrom;
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
    // It keeps to one content from its beginning here.
    if (type === "session:profile:update") return;
    const { sessionId } = this.#key;
    const { profileVersion } = this.#pin;
    const draft = { type, data: { ...data, sessionId } } as EventDraft;
    if (draft.type === "session:created") {
      const forkedFrom = this.#forkedFrom ?? draft.data.forkedFrom;
      draft.data = {
        sessionId,
        session: this.#record,
        profileVersion,
        ...(forkedFrom === undefined ? {} : { forkedFrom }),
      };
    }
    if (draft.type === "session:turn:completed" || draft.type === "session:rewound") this.#lastTurn = draft.data.turnId;
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

  async blob(chunk: BlobChunk): Promise<void> {
    if (chunk.sha256 === this.#pin.profileVersion) return;
    this.#blobs.push(chunk);
    this.#bytes += chunk.bytes.byteLength;
    if (this.#blobs.length >= PAGE_BLOBS || this.#bytes >= PAGE_BYTES) await this.#writeBlobs();
  }

  file(entry: FileEntry): void {
    this.#files.push(entry);
  }

  /** Ends what was open, and keeps the state. Answers with it. */
  async end(nativeSessionId: string | null): Promise<SessionState> {
    await this.#writeEvents();
    await this.#writeTranscript();
    await this.#writeBlobs();
    const at = this.#parts.now().toISOString();
    for (const draft of [...(await this.#changedFiles()), ...(await this.#closing())]) this.#events.push({ draft, at });
    await this.#writeEvents();
    // Files and transcript belong to a checkpoint by an event that stands behind them.
    const { sessionId } = this.#key;
    this.#events.push({ draft: { type: "session:status", data: { sessionId, runtime: NEVER_RUN } }, at: this.#lastAt });
    await this.#writeEvents({
      files: { put: this.#files, deleted: [] },
      ...(nativeSessionId === null ? {} : { nativeSessionId }),
      checkpoint: { turnId: this.#lastTurn },
    });
    await this.#append({ snapshot: this.#state, overview: overviewOf(this.#state) });
    return this.#state;
  }

  async #writeEvents(more: Partial<AppendBatch> = {}): Promise<void> {
    const pending = this.#events.splice(0);
    this.#chars = 0;
    if (pending.length === 0) return;
    this.#lastAt = pending.at(-1)?.at ?? this.#lastAt;
    const first = this.#state.lastSeq + 1;
    const events = pending.map(({ draft, at }, index) => numbered(draft, { seq: first + index, at }).event);
    const next = reduceAll(this.#state, events);
    const blocks = await blockWrites(
      events,
      async (id) => (await this.#parts.store.block(this.#key, id))?.block ?? null,
    );
    await this.#append({ events, blocks, messages: events.flatMap(messageOf), ...more });
    this.#state = next;
  }

  async #writeTranscript(): Promise<void> {
    await this.#writeEvents();
    const transcript = this.#transcript.splice(0);
    this.#lines = 0;
    this.#chars = 0;
    if (transcript.length > 0) await this.#append({ transcript });
  }

  async #writeBlobs(): Promise<void> {
    await this.#writeEvents();
    const blobs = this.#blobs.splice(0);
    this.#bytes = 0;
    if (blobs.length > 0) await this.#append({ blobs });
  }

  async #append(write: Partial<AppendBatch>): Promise<void> {
    const { store } = this.#parts;
    if (!this.#isCreated) {
      const { logId } = this.#state;
      const blobs = [this.#pin.blob, ...(write.blobs ?? [])];
      await store.create({ ...this.#key, record: this.#record, logId, first: { events: [], ...write, blobs } });
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
      drafts.push({
        type,
        data: { sessionId, file: eventFile(entry, await inlineContent(this.#parts.store, this.#key, entry)) },
      });
    return [...drafts, ...deletedFiles(sessionId, changes)];
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
  const { messageId, content, resultSchema } = event.data;
  const attachments = event.data.attachments?.map(({ path, ...attachment }) => ({
    ...attachment,
    to: path === undefined ? ("model" as const) : ("workspace" as const),
  }));
  return [{ messageId, contentHash: contentHashOf({ content, attachments, resultSchema }) }];
}
