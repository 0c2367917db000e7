import {
  rewindEvents,
  RuntimeError,
  SESSION_START,
  type EventDraft,
  type RewindSessionAnswer,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { failpoint } from "../failpoint.ts";
import type { LogWrite } from "../log/session-log.ts";
import { deletedFiles, eventFile, fileChanges } from "../persistence/file-changes.ts";
import { inlineContent } from "../persistence/inline-content.ts";
import { changesSince, checkpointOf, stateAt, turnsOf } from "../persistence/session-history.ts";
import type { Checkpoint, SessionKey, SessionStore, TranscriptPiece } from "../persistence/session-store.ts";
import { copiedTranscript } from "../persistence/transcript-copy.ts";
import type { SandboxSupervisor } from "./sandbox-supervisor.ts";
import type { SessionParts } from "./session-parts.ts";
import type { SessionWriter } from "./session-writer.ts";

/** With more changes than this their events have no contents, as those of a scan. */
const INLINE_CHANGES = 200;

export interface RewindingSession {
  readonly key: SessionKey;
  readonly writer: SessionWriter;
  readonly supervisor: SandboxSupervisor;
  state(): SessionState;
}

/** Takes a session back to the end of an earlier turn, or to its beginning. Its log only grows: it keeps what was. */
export class SessionRewind {
  readonly #parts: SessionParts;
  readonly #session: RewindingSession;
  #active = false;

  constructor(parts: SessionParts, session: RewindingSession) {
    this.#parts = parts;
    this.#session = session;
  }

  /** It goes back just now: no turn begins. */
  get active(): boolean {
    return this.#active;
  }

  /**
   * Ends the sandbox, with all of it saved, and then goes back; the next message starts a sandbox from there. Rejects
   * with `conflict` while a turn runs or waits, where the session went back before that turn, and where it has no
   * checkpoint; with `turn_not_found`, `not_supported`, and as the end of a sandbox does. Then nothing went back.
   */
  async to(turnId: string): Promise<RewindSessionAnswer> {
    this.#refuseAtWork();
    this.#active = true;
    try {
      const checkpoint = await this.#checkpoint(turnId);
      await this.#session.supervisor.end("The session goes back to an earlier turn.", { loaded: true });
      failpoint("rewind:before");
      return await this.#session.writer.ask(() => this.#goBack(checkpoint));
    } finally {
      this.#active = false;
    }
  }

  async #goBack(checkpoint: Checkpoint): Promise<RewindSessionAnswer> {
    const { key, writer, supervisor, state } = this.#session;
    const nativeSessionId = this.#parts.newId();
    const { store } = this.#parts;
    await writer.append(await rewindWrite(store, { key, state: state() }, { checkpoint, nativeSessionId }));
    failpoint("rewind:after");
    supervisor.nativeSessionId = nativeSessionId;
    return { sessionId: key.sessionId, turnId: checkpoint.turnId, lastSeq: state().lastSeq };
  }

  #refuseAtWork(): void {
    const { turn, queue } = this.#session.state();
    if (turn !== null || queue.length > 0)
      throw new RuntimeError("conflict", "A turn runs or waits: interrupt it, or wait until it has ended.");
    if (this.#active) throw new RuntimeError("conflict", "The session goes back already; ask again when it has.");
  }

  async #checkpoint(turnId: string): Promise<Checkpoint> {
    const { store } = this.#parts;
    const { key, state } = this.#session;
    const { lastSeq } = state();
    const checkpoint = await checkpointOf(store, key, { turnId, lastSeq });
    const { ended } = await turnsOf(store, key, lastSeq);
    if (turnId === SESSION_START || ended.includes(turnId)) return checkpoint;
    const message = `The session went back before turn ${turnId}: fork it at that turn instead.`;
    throw new RuntimeError("conflict", message, { field: "body.turnId" });
  }
}

interface RewindPlace {
  readonly checkpoint: Checkpoint;
  /** Of the harness's conversation that goes on from there: the one that was stays as it is. */
  readonly nativeSessionId: string;
}

/** What takes a session back. */
export async function rewindWrite(
  store: SessionStore,
  { key, state }: { key: SessionKey; state: SessionState },
  { checkpoint, nativeSessionId }: RewindPlace,
): Promise<LogWrite> {
  const { seq, turnId } = checkpoint;
  const { logId, lastSeq } = state;
  const then = await stateAt(store, key, { logId, seq });
  const changes = await changesSince(store, key, { seq, lastSeq });
  // Where there was none then, this says that the one before is not the session's any more.
  const transcript: TranscriptPiece[] = [{ key: nativeSessionId, lines: [] }];
  for await (const piece of copiedTranscript(store, key, { checkpoint, lastSeq, nativeSessionId }))
    transcript.push(piece);
  const { events, files } = await filesBack(store, key, seq);
  return {
    events: [...events, ...rewindEvents(state, then, { turnId, ...changes })],
    files,
    transcript,
    nativeSessionId,
    snapshot: true,
  };
}

async function filesBack(
  store: SessionStore,
  key: SessionKey,
  seq: number,
): Promise<Required<Pick<LogWrite, "events" | "files">>> {
  const { sessionId } = key;
  const changes = fileChanges(await store.files(key), await store.filesAt(key, seq));
  const isInline = changes.changed.length + changes.deleted.length <= INLINE_CHANGES;
  const events: EventDraft[] = [];
  for (const { type, entry } of changes.changed) {
    const content = isInline ? await inlineContent(store, key, entry) : undefined;
    events.push({ type, data: { sessionId, file: eventFile(entry, content) } });
  }
  return {
    events: [...events, ...deletedFiles(sessionId, changes)],
    files: { put: changes.changed.map(({ entry }) => entry), deleted: [...changes.deleted] },
  };
}
