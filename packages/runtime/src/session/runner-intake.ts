import type { AskRules, Entry, EntryKind, SessionState } from "@hhopkins/agent-runtime-protocol";
import { failpoint, failpointAfterAnswer } from "../failpoint.ts";
import type { SessionAsks } from "./asks.ts";
import { failedWrite } from "./failed-write.ts";
import { addEntry, entriesWrite, newEntryWrite } from "./entry-translation.ts";
import type { RunnerCursor, SessionKey } from "../persistence/session-store.ts";
import { profileOf } from "./pinned-profile.ts";
import type { SandboxSupervisor } from "./sandbox-supervisor.ts";
import type { SessionParts } from "./session-parts.ts";
import type { SessionWriter } from "./session-writer.ts";

/** What a sandbox may still say whose turn was ended by force. */
const OUTLIVES_TURN: ReadonlySet<EntryKind> = new Set([
  "blob",
  "file:changed",
  "file:deleted",
  "transcript",
  "usage",
  "harness:ready",
]);
/** Entries that are saved in one write. */
const ENTRIES_A_WRITE = 500;

export interface IntakeSession {
  readonly sessionId: string;
  readonly key: SessionKey;
  readonly writer: SessionWriter;
  readonly supervisor: SandboxSupervisor;
  state(): SessionState;
  asks(): SessionAsks;
  onTurnEnded(): void;
}

/** Saves what the runner says, in order, and only then lets the runner forget it. */
export class RunnerIntake {
  readonly #parts: SessionParts;
  readonly #session: IntakeSession;
  #draining = false;

  constructor(parts: SessionParts, session: IntakeSession) {
    this.#parts = parts;
    this.#session = session;
  }

  /** As soon as the mailbox is free; what arrives meanwhile gathers for the next write. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    const { writer, sessionId } = this.#session;
    writer
      .run(() => {
        this.#draining = false;
        return this.take();
      })
      .catch(failedWrite(this.#parts.log, sessionId, "entries of a runner could not be saved"));
  }

  /** Everything that is there. Only inside of the mailbox. */
  async take(): Promise<void> {
    const { link } = this.#session.supervisor;
    if (link === undefined) return;
    for (;;) {
      const entries = link.take(ENTRIES_A_WRITE);
      if (entries.length === 0) return;
      await this.#save(link, entries);
    }
  }

  async #save(
    link: NonNullable<SandboxSupervisor["link"]>,
    arrived: ReturnType<NonNullable<SandboxSupervisor["link"]>["take"]>,
  ): Promise<void> {
    const { sessionId, supervisor, writer } = this.#session;
    const { generation } = supervisor;
    const taken = writer.cursor?.generation === generation ? writer.cursor.n : 0;
    const entries = arrived.filter((entry) => entry.n > taken);
    const last = entries.at(-1);
    if (last === undefined) return;
    const at = this.#parts.now();
    const askRules = await this.#askRules(entries);
    const write = newEntryWrite(sessionId, this.#session.state(), { at, askRules });
    for (const { n, body } of entries) {
      if (supervisor.abandoned && !OUTLIVES_TURN.has(body.kind)) continue;
      const refusal = addEntry(write, body);
      if (refusal !== null) this.#parts.log.warn({ sessionId, n, refusal }, "an entry of a runner was refused");
    }
    try {
      await writer.save(entriesWrite(write, { generation, n: last.n }));
    } catch (error) {
      // The runner has them still, and sends them again.
      link.rewind();
      throw error;
    }
    failpoint("forget:before");
    link.saved(this.#forgettable({ generation, n: last.n }));
    failpointAfterAnswer("forget:after");
    if (write.nativeSessionId !== undefined) supervisor.nativeSessionId = write.nativeSessionId;
    if (write.refusedAsks.length > 0) this.#session.asks().refuse(write.refusedAsks);
    if (write.asks.size > 0) this.#session.asks().watch();
    if (write.turnEnded) this.#session.onTurnEnded();
    else if (write.turnDeferred) this.#session.asks().onDeferred();
  }

  /** Of the session's profile. Without it the agent can ask all the same. */
  async #askRules(entries: readonly Entry[]): Promise<AskRules> {
    if (!entries.some(({ body }) => body.kind === "ask:opened")) return {};
    try {
      return (await profileOf(this.#parts, this.#session)).asks ?? {};
    } catch (error) {
      const { sessionId } = this.#session;
      this.#parts.log.warn({ err: error, sessionId }, "what the profile says of asks could not be read");
      return {};
    }
  }

  /** A store that keeps things later than it says has to have kept them first. */
  #forgettable({ generation, n }: RunnerCursor): number {
    const { store } = this.#parts;
    if (store.savedCursor === undefined) return n;
    const saved = store.savedCursor(this.#session.key);
    return saved?.generation === generation ? Math.min(n, saved.n) : 0;
  }
}
