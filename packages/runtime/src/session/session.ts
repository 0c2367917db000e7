import {
  RuntimeError,
  toRuntimeError,
  type EventDraft,
  type EventType,
  type SendMessageAnswer,
  type SessionOptions,
  type SessionState,
  type TurnError,
} from "@hhopkins/agent-runtime-protocol";
import { setTimeout as delay } from "node:timers/promises";
import { SessionLog, type LogWrite } from "../log/session-log.ts";
import type { RunnerCursor, SessionHead, SessionKey } from "../persistence/session-store.ts";
import { addEntry, newEntryWrite, type EntryWrite } from "./entry-translation.ts";
import { Mailbox } from "./mailbox.ts";
import { acceptMessage, type IncomingMessage } from "./message-queue.ts";
import { SandboxSupervisor } from "./sandbox-supervisor.ts";
import type { SessionParts } from "./session-parts.ts";
import { closingEvents } from "./turn-closing.ts";

/** What an embedding application holds of a session. */
export interface AgentSession {
  readonly sessionId: string;
  /** The committed state; after an unload the last one. */
  getState(): SessionState;
}

/** Entries that are saved in one write. */
const ENTRIES_A_WRITE = 500;
/** Events that show in a list of sessions. */
const LISTED: ReadonlySet<EventType> = new Set([
  "session:created",
  "session:status",
  "session:options:update",
  "session:turn:completed",
]);
const RETRY_MS = { first: 50, most: 5000 } as const;

/**
 * One loaded session. Everything that changes it runs in its mailbox, one thing after another, on committed state;
 * what takes long (sandboxes) runs outside and comes back through the mailbox.
 */
export class Session implements AgentSession {
  readonly key: SessionKey;
  /** Milliseconds since the epoch. */
  readonly loadedAt: number;
  readonly #parts: SessionParts;
  readonly #log: SessionLog;
  readonly #mailbox = new Mailbox();
  readonly #supervisor: SandboxSupervisor;
  readonly #onConflict: (session: Session) => void;
  #cursor: RunnerCursor | null;
  #draining = false;
  #storeFailure: RuntimeError | undefined;
  /** Takes nothing more: it is being unloaded, or is. */
  #closing = false;

  constructor(parts: SessionParts, log: SessionLog, at: { head: SessionHead; onConflict: (session: Session) => void }) {
    this.key = log.key;
    this.#parts = parts;
    this.loadedAt = parts.now().getTime();
    this.#log = log;
    this.#cursor = at.head.cursor;
    this.#onConflict = at.onConflict;
    this.#supervisor = new SandboxSupervisor(
      parts,
      {
        key: log.key,
        state: () => log.state,
        write: (write) => this.#mailbox.run(() => this.#append(write)),
        onEntries: () => this.#drain(),
        onLost: (reason) => void this.#sandboxLost(reason),
      },
      { generation: at.head.generation, nativeSessionId: at.head.nativeSessionId },
    );
  }

  get sessionId(): string {
    return this.key.sessionId;
  }

  getState(): SessionState {
    return this.#log.state;
  }

  /** Nothing runs, waits or is being written. */
  get idle(): boolean {
    const { turn, queue } = this.#log.state;
    return turn === null && queue.length === 0 && this.#mailbox.size === 0;
  }

  /** Why the store refuses at the moment, or undefined. */
  get storeFailure(): RuntimeError | undefined {
    return this.#storeFailure;
  }

  /** Resolves when the message is in the log; a message that was sent before is answered as it was then. */
  async send(message: IncomingMessage): Promise<SendMessageAnswer> {
    this.#refuseWhileClosing();
    if (this.#storeFailure !== undefined) throw storeUnavailable(this.#storeFailure);
    return this.#mailbox.run(async () => {
      const accepted = await acceptMessage(this.#parts, { key: this.key, state: this.#log.state }, message);
      if (accepted.write !== undefined) await this.#append(accepted.write);
      this.#pump();
      return accepted.answer;
    });
  }

  updateMessage(messageId: string, content: string): Promise<void> {
    const { sessionId } = this;
    return this.#changeQueued(messageId, { type: "session:message:updated", data: { sessionId, messageId, content } });
  }

  withdrawMessage(messageId: string): Promise<void> {
    const { sessionId } = this;
    return this.#changeQueued(messageId, { type: "session:message:withdrawn", data: { sessionId, messageId } });
  }

  #changeQueued(messageId: string, event: EventDraft): Promise<void> {
    return this.#mailbox.run(async () => {
      if (!this.#log.state.queue.some((message) => message.messageId === messageId)) {
        throw new RuntimeError("message_not_found", `Message ${messageId} is not in the queue; a turn may have taken it.`);
      }
      await this.#append({ events: [event] });
    });
  }

  updateOptions(options: SessionOptions): Promise<void> {
    return this.#mailbox.run(async () => {
      const sessionOptions = { ...this.#log.state.sessionOptions, ...options };
      await this.#append({
        events: [{ type: "session:options:update", data: { sessionId: this.sessionId, sessionOptions } }],
      });
      this.#tell("options", { kind: "options", options: sessionOptions });
    });
  }

  /** Asks the running turn to stop; with `failure` it ends as failed. */
  interrupt(failure?: TurnError): Promise<void> {
    return this.#mailbox.run(async () => {
      const { turn } = this.#log.state;
      if (turn === null) return;
      if (!this.#supervisor.isReady) {
        await this.#closeTurn(failure === undefined ? { status: "interrupted" } : { status: "failed", error: failure });
        return;
      }
      this.#tell("interrupt", { kind: "interrupt", turnId: turn.turnId, ...(failure === undefined ? {} : { failure }) });
    });
  }

  #tell(name: string, body: Parameters<NonNullable<SandboxSupervisor["link"]>["command"]>[1]): void {
    this.#supervisor.link?.command(`${name}:${this.#parts.newId()}`, body).catch((error: unknown) => {
      this.#parts.log.warn({ err: error, sessionId: this.sessionId }, `the runner did not take ${name}`);
    });
  }

  /** A full scan of the workspace; resolves when all of it is saved. */
  async sync(): Promise<void> {
    const { link } = this.#supervisor;
    if (link === undefined) return;
    await link.command(`sync:${this.#parts.newId()}`, { kind: "sync" });
    await this.#mailbox.run(() => this.#takeEntries());
  }

  /** Takes the next message of the queue into a turn, if none runs. */
  #pump(): void {
    void this.#mailbox.run(() => this.#nextTurn()).catch((error: unknown) => {
      this.#parts.log.error({ err: error, sessionId: this.sessionId }, "a turn could not be started");
    });
  }

  async #nextTurn(): Promise<void> {
    const { turn, queue } = this.#log.state;
    const message = queue[0];
    if (this.#closing || turn !== null || message === undefined) return;
    const { messageId, content } = message;
    const turnId = `turn_${this.#parts.newId()}`;
    const block = { type: "user_message" as const, id: messageId, timestamp: this.#parts.now().toISOString(), content };
    const place = { sessionId: this.sessionId, conversationId: "main" };
    await this.#append({
      events: [
        { type: "session:turn:started", data: { sessionId: this.sessionId, turnId, messageIds: [messageId] } },
        { type: "session:block:start", data: { ...place, block } },
        { type: "session:block:complete", data: { ...place, blockId: messageId, block } },
      ],
    });
    this.#deliver(turnId, [{ messageId, content }]);
  }

  /** Gives a turn to the runner, which takes it once, however often it is given. */
  #deliver(turnId: string, messages: { messageId: string; content: string }[]): void {
    const delivery = async (): Promise<void> => {
      const link = await this.#supervisor.ready();
      if (this.#log.state.turn?.turnId !== turnId) return;
      await link.command(turnId, { kind: "message", turnId, messages });
    };
    delivery().catch((error: unknown) => void this.#turnFailed(turnId, toRuntimeError(error, "sandbox_unavailable")));
  }

  async #turnFailed(turnId: string, error: RuntimeError): Promise<void> {
    // A server that lets go of the session leaves the turn to the runner and to the next server.
    if (this.#closing) return;
    await this.#mailbox.run(async () => {
      if (this.#log.state.turn?.turnId !== turnId) return;
      await this.#closeTurn({ status: "failed", error: { code: error.code, message: error.message } });
    }).catch((failure: unknown) => {
      this.#parts.log.error({ err: failure, sessionId: this.sessionId }, "the end of a turn could not be saved");
    });
  }

  async #closeTurn(end: { status: "failed" | "interrupted"; error?: TurnError }): Promise<void> {
    const { store, newId, now } = this.#parts;
    await this.#append({ events: await closingEvents({ state: this.#log.state, store, key: this.key, newId, now, ...end }) });
    this.#pump();
  }

  async #sandboxLost(reason: string): Promise<void> {
    await this.#mailbox.run(async () => {
      await this.#takeEntries();
      await this.#supervisor.lost();
      await this.#markLost(reason);
    }).catch((error: unknown) => {
      this.#parts.log.error({ err: error, sessionId: this.sessionId }, "the loss of a sandbox could not be saved");
    });
  }

  async #markLost(reason: string): Promise<void> {
    const message = `The sandbox is gone: ${reason}. The next message starts a new one from what was saved.`;
    const events: EventDraft[] = [this.#supervisor.statusEvent("error", message)];
    const { store, newId, now } = this.#parts;
    const error = { code: "sandbox_lost", message };
    const closing = { state: this.#log.state, store, key: this.key, newId, now, status: "failed" as const, error };
    events.push(...(await closingEvents(closing)));
    await this.#append({ events, sandbox: null });
    this.#pump();
  }

  /** Saves what the runner said, as soon as the mailbox is free; what arrives meanwhile gathers for the next write. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#mailbox.run(() => {
      this.#draining = false;
      return this.#takeEntries();
    }).catch((error: unknown) => {
      this.#parts.log.error({ err: error, sessionId: this.sessionId }, "entries of a runner could not be saved");
    });
  }

  async #takeEntries(): Promise<void> {
    const { link, generation } = this.#supervisor;
    if (link === undefined) return;
    for (;;) {
      const taken = this.#cursor?.generation === generation ? this.#cursor.n : 0;
      const arrived = link.take(ENTRIES_A_WRITE);
      if (arrived.length === 0) return;
      const entries = arrived.filter((entry) => entry.n > taken);
      const last = entries.at(-1);
      if (last === undefined) continue;
      const write = newEntryWrite(this.sessionId, this.#log.state);
      for (const entry of entries) {
        const refusal = addEntry(write, entry.body);
        if (refusal !== null) this.#parts.log.warn({ sessionId: this.sessionId, n: entry.n, refusal }, "an entry of a runner was refused");
      }
      const cursor = { generation, n: last.n };
      await this.#appendUntilSaved(entriesWrite(write, cursor));
      link.saved(last.n);
      if (write.nativeSessionId !== undefined) this.#supervisor.nativeSessionId = write.nativeSessionId;
      if (write.turnEnded) this.#pump();
    }
  }

  async #append(write: LogWrite): Promise<void> {
    try {
      await this.#log.append(write);
      if (write.cursor !== undefined) this.#cursor = write.cursor;
      if (write.events.some(({ type }) => LISTED.has(type))) this.#parts.onListed(this.key, this.#log.state);
    } catch (error) {
      if (error instanceof RuntimeError && error.code === "sequence_conflict") this.#onConflict(this);
      throw error;
    }
  }

  /** What the runner said is never given up: the runner keeps it, and it is tried again until the store takes it. */
  async #appendUntilSaved(write: LogWrite): Promise<void> {
    for (let wait: number = RETRY_MS.first; ; wait = Math.min(wait * 2, RETRY_MS.most)) {
      try {
        await this.#append(write);
        this.#storeFailure = undefined;
        return;
      } catch (error) {
        const failure = toRuntimeError(error, "persistence_unavailable");
        if (failure.code !== "persistence_unavailable" || this.#closing) throw failure;
        this.#storeFailure = failure;
        this.#parts.log.warn({ err: failure, sessionId: this.sessionId, waitMs: wait }, "the store refuses; trying again");
        await delay(wait);
      }
    }
  }

  /** After a start of the server: goes on where the last one stopped. */
  async resume(head: SessionHead): Promise<void> {
    const found = head.sandbox !== null && (await this.#supervisor.attach(head.sandbox, head.cursor));
    if (!found) {
      await this.#mailbox.run(() => (head.sandbox === null ? this.#markUnloaded() : this.#markLost("it ended while no server ran")));
      return;
    }
    const { turn, blocks } = this.#log.state;
    if (turn !== null) {
      const messages = turn.messageIds.flatMap((messageId) => {
        const block = blocks.find(({ id }) => id === messageId);
        return block?.type === "user_message" ? [{ messageId, content: block.content }] : [];
      });
      this.#deliver(turn.turnId, messages);
    }
    this.#pump();
  }

  /** The last server held this session without a sandbox, and went without saying so. */
  async #markUnloaded(): Promise<void> {
    const { runtime } = this.#log.state;
    const { sessionId } = this;
    await this.#append({ events: [{ type: "session:status", data: { sessionId, runtime: { ...runtime, isLoaded: false } } }] });
    this.#pump();
  }

  /** Says in the log that a server holds the session. */
  markLoaded(): Promise<void> {
    return this.#mailbox.run(async () => {
      const { runtime } = this.#log.state;
      if (runtime.isLoaded) return;
      const { sessionId } = this;
      await this.#append({ events: [{ type: "session:status", data: { sessionId, runtime: { ...runtime, isLoaded: true } } }] });
    });
  }

  /** Stops the turn, saves everything, verifies that, ends the sandbox. Throws, with nothing ended, when it can't. */
  async unload(message: string): Promise<void> {
    this.#closing = true;
    try {
      await this.#stopTurn();
      if (this.#supervisor.active) await this.#supervisor.end(message, () => this.#cursor);
      await this.#mailbox.run(() => this.#markIdle());
    } catch (error) {
      this.#closing = false;
      throw error;
    }
  }

  async #markIdle(): Promise<void> {
    const { runtime } = this.#log.state;
    if (!runtime.isLoaded) return;
    const { sessionId } = this;
    await this.#append({
      events: [{ type: "session:status", data: { sessionId, runtime: { ...runtime, isLoaded: false } } }],
      snapshot: true,
    });
  }

  async #stopTurn(): Promise<void> {
    if (this.#log.state.turn === null) return;
    await this.interrupt();
    const deadline = Date.now() + this.#parts.limits.interruptMs;
    while (this.#log.state.turn !== null) {
      if (Date.now() > deadline) throw new RuntimeError("unavailable", "The running turn did not stop in time.");
      await delay(10);
    }
  }

  /** For shutdown: the sandbox goes on, a later server finds it. */
  async release(): Promise<void> {
    this.#closing = true;
    await this.#mailbox.idle();
    await this.#supervisor.release();
  }

  /** For delete: the sandbox ends, whatever is in it. */
  async destroy(): Promise<void> {
    this.#closing = true;
    await this.#supervisor.kill();
    await this.#mailbox.idle();
  }

  #refuseWhileClosing(): void {
    if (this.#closing) throw new RuntimeError("unavailable", "The session is being unloaded; send again.", { retryAfter: 1 });
  }
}

function entriesWrite(write: EntryWrite, cursor: RunnerCursor): LogWrite {
  const { files } = write;
  const changed = files.put.length > 0 || files.deleted.length > 0;
  return {
    events: write.events,
    cursor,
    ...(write.blobs.length === 0 ? {} : { blobs: write.blobs }),
    ...(write.transcript.length === 0 ? {} : { transcript: write.transcript }),
    ...(changed ? { files } : {}),
    ...(write.nativeSessionId === undefined ? {} : { nativeSessionId: write.nativeSessionId }),
  };
}

function storeUnavailable(cause: RuntimeError): RuntimeError {
  return new RuntimeError("persistence_unavailable", "The store does not answer; nothing was accepted. Send again later.", { cause, retryAfter: 5 });
}
