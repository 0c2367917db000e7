import {
  RuntimeError,
  type ResolvedAsk,
  type RewindSessionAnswer,
  type SendMessageAnswer,
  type SessionState,
  type TurnError,
  type UpdateOptionsBody,
} from "@hhopkins/agent-runtime-protocol";
import { setTimeout as delay } from "node:timers/promises";
import { failpoint } from "../failpoint.ts";
import type { SessionLog } from "../log/session-log.ts";
import type { Lease, SessionHead, SessionKey } from "../persistence/session-store.ts";
import type { BytesPiece } from "../cluster/sent-bytes.ts";
import { pieceWrite } from "./attachments.ts";
import type { GivenAnswer } from "./ask-answers.ts";
import { SessionAsks } from "./asks.ts";
import { failedWrite } from "./failed-write.ts";
import { HostToolCalls } from "./host-tool-calls.ts";
import { claim, loadedEvent, type IncomingMessage } from "./message-queue.ts";
import { optionsChange } from "./options-change.ts";
import { RunnerIntake } from "./runner-intake.ts";
import { SandboxSupervisor } from "./sandbox-supervisor.ts";
import { SessionFiles } from "./session-files.ts";
import { SessionMessages } from "./session-messages.ts";
import type { SessionParts } from "./session-parts.ts";
import { SessionRewind } from "./session-rewind.ts";
import { SessionWriter } from "./session-writer.ts";
import { stopSubagent } from "./subagent-stop.ts";
import type { RunningSandbox } from "./supervised-session.ts";
import { closingEvents } from "./turn-closing.ts";
import { TurnControl } from "./turn-control.ts";
import { TurnDelivery } from "./turn-delivery.ts";
import { resumeTurn } from "./turn-resumption.ts";

/** What an embedding application holds of a session. */
export interface AgentSession {
  readonly sessionId: string;
  /** The committed state; after an unload the last one. */
  getState(): SessionState;
  /**
   * Answers an ask of its agent, once; resolves when that is in the log. Throws `ask_not_found`, `ask_resolved`, `forbidden`
   * (`by` may not), `invalid_request`.
   */
  answer(given: GivenAnswer): Promise<ResolvedAsk>;
}

interface SessionStart {
  readonly head: SessionHead;
  readonly lease: Lease | undefined;
  /** The store has another log than this session. */
  readonly onConflict: (session: Session) => void;
  /** Another node has it now. */
  readonly onStale: (session: Session) => void;
}

/** For a turn's end to be saved, when it was ended by force. */
const FORCED_END_MS = 5_000;

/**
 * One loaded session. Everything that changes it runs in its mailbox, one thing after another, on committed state;
 * what takes long (sandboxes) runs outside and comes back through the mailbox.
 */
export class Session implements AgentSession {
  readonly key: SessionKey;
  /** Under which this node runs it; undefined: no other server shares the store. */
  readonly lease: Lease | undefined;
  /** Milliseconds since the epoch. */
  readonly loadedAt: number;
  /** What people change in its workspace. */
  readonly files: Pick<SessionFiles, "put" | "remove">;
  readonly #parts: SessionParts;
  readonly #log: SessionLog;
  readonly #writer: SessionWriter;
  readonly #supervisor: SandboxSupervisor;
  readonly #intake: RunnerIntake;
  readonly #control: TurnControl;
  readonly #asks: SessionAsks;
  readonly #messages: SessionMessages;
  readonly #resumeTurn: (isStarted: boolean) => Promise<void>;
  readonly #turns: TurnDelivery;
  readonly #hostTools: HostToolCalls;
  readonly #rewind: SessionRewind;
  /** The turn that runs is the last one here. */
  #finishing = false;
  /** Takes nothing more: it is being unloaded, or is. */
  #closing = false;
  /** This server lets go of it: what cannot be saved now is not tried again. */
  readonly #leaving = new AbortController();

  constructor(parts: SessionParts, log: SessionLog, at: SessionStart) {
    this.key = log.key;
    this.lease = at.lease;
    this.#parts = parts;
    this.loadedAt = parts.now().getTime();
    this.#log = log;
    this.#writer = new SessionWriter(parts, log, {
      cursor: at.head.cursor,
      leaving: this.#leaving.signal,
      onAppended: () => this.#hostTools.follow(),
      onConflict: () => at.onConflict(this),
      onStale: () => at.onStale(this),
    });
    this.#supervisor = new SandboxSupervisor(
      parts,
      {
        key: log.key,
        unsaved: this.#writer.unsaved,
        state: () => log.state,
        cursor: () => this.#writer.cursor,
        storeFailure: () => this.#writer.failure,
        inTurn: (task) => this.#writer.run(task),
        // An unload does not wait for a store that fails: it fails too, and nothing has ended.
        write: (write) =>
          this.#writer.run(() => (this.#closing ? this.#writer.append(write) : this.#writer.save(write))),
        fence: () => at.lease?.fence ?? 1,
        holdsLease: () => parts.leases.holds(log.key, at.lease),
        doubtLease: () => void this.#doubtLease(at.onStale),
        onEntries: () => this.#intake.drain(),
        onLost: (reason) => void this.#sandboxLost(reason),
      },
      { generation: at.head.generation, nativeSessionId: at.head.nativeSessionId },
    );
    const session = {
      sessionId: log.key.sessionId,
      key: log.key,
      writer: this.#writer,
      supervisor: this.#supervisor,
      state: () => log.state,
    };
    this.#hostTools = new HostToolCalls(parts, session);
    this.#rewind = new SessionRewind(parts, session);
    this.files = new SessionFiles(parts, { ...session, refuseWhileClosing: () => this.#refuseWhileClosing() });
    this.#control = new TurnControl(parts, { ...session, closeTurn: (stop) => this.#turns.closeTurn(stop) });
    this.#turns = new TurnDelivery(parts, {
      ...session,
      control: this.#control,
      refusesTurns: () => this.#closing || this.#finishing || this.#rewind.active,
      isClosing: () => this.#closing,
    });
    const asking = { ...session, control: this.#control, turns: this.#turns };
    this.#asks = new SessionAsks(parts, asking);
    this.#messages = new SessionMessages(parts, { ...asking, asks: this.#asks });
    this.#resumeTurn = (isStarted) => resumeTurn(parts, asking, { asks: this.#asks, isStarted });
    this.#intake = new RunnerIntake(parts, {
      ...session,
      asks: () => this.#asks,
      onTurnEnded: () => this.#turns.pump(),
    });
  }

  get sessionId(): string {
    return this.key.sessionId;
  }

  getState(): SessionState {
    return this.#log.state;
  }

  /** Nothing runs, waits or is being written, unless it waits for people and needs no sandbox for that. */
  get idle(): boolean {
    const { turn, queue } = this.#log.state;
    if (this.#writer.busy) return false;
    return this.#asks.areDeferred || (turn === null && queue.length === 0);
  }

  /** What its agent asks people. */
  get asks(): Pick<SessionAsks, "wait" | "needServer" | "defer"> {
    return this.#asks;
  }

  /** A sandbox of it runs, or is being started or waited for. */
  get hasSandbox(): boolean {
    return this.#supervisor.active;
  }

  /** Its sandbox, once there is one; undefined: none runs. */
  get running(): RunningSandbox | undefined {
    return this.#supervisor.running;
  }

  /** A runner has the turn that runs. */
  get working(): boolean {
    return this.#control.isGiven;
  }

  /** A host tool runs that no other server could run again. */
  get runsHostTool(): boolean {
    return this.#hostTools.runsOnce;
  }

  /** Why the store refuses at the moment, or undefined. */
  get storeFailure(): RuntimeError | undefined {
    return this.#writer.failure;
  }

  /** As `SessionMessages.send`. */
  async send(message: IncomingMessage): Promise<SendMessageAnswer> {
    this.#refuseWhileClosing();
    return this.#messages.send(message);
  }

  async answer(given: GivenAnswer): Promise<ResolvedAsk> {
    this.#refuseWhileClosing();
    return this.#asks.answer(given);
  }

  /** Keeps bytes for a message to come. */
  keepBytes(piece: BytesPiece): Promise<void> {
    this.#refuseWhileClosing();
    const append = () => this.#writer.append(pieceWrite(piece, claim(this.#log.state)));
    return this.#writer.ask(append, piece.data.length);
  }

  /** An append that counted as failed was done after all: what is in memory may be behind the store. */
  recheck(): Promise<void> {
    return this.#writer.recheck();
  }

  async #doubtLease(onStale: SessionStart["onStale"]): Promise<void> {
    try {
      if (!(await this.#parts.leases.holds(this.key, this.lease))) onStale(this);
    } catch (error) {
      this.#parts.log.debug({ err: error, sessionId: this.sessionId }, "whose a session is could not be asked");
    }
  }

  updateMessage(messageId: string, content: string): Promise<void> {
    return this.#messages.update(messageId, content);
  }

  withdrawMessage(messageId: string): Promise<void> {
    return this.#messages.withdraw(messageId);
  }

  updateOptions(changes: UpdateOptionsBody): Promise<void> {
    return this.#writer.ask(async () => {
      const { write, options } = await optionsChange(this.#parts, this.#log.state, changes);
      if (write.events.length > 0) await this.#writer.append(write);
      if (options !== undefined) this.#control.tell("options", { kind: "options", options });
    });
  }

  /** Asks the running turn to stop; with `failure` it ends as failed. */
  interrupt(failure?: TurnError): Promise<void> {
    return this.#writer.ask(() => this.#control.stop(failure));
  }

  /** That it stopped comes as an event; its caller goes on. */
  stopSubagent(subagentId: string): Promise<void> {
    const commandId = `stop-subagent:${this.#parts.newId()}`;
    return stopSubagent({ state: this.#log.state, subagentId, link: this.#supervisor.link, commandId });
  }

  /** As `SessionRewind.to`. */
  rewind(turnId: string): Promise<RewindSessionAnswer> {
    this.#refuseWhileClosing();
    return this.#rewind.to(turnId).finally(() => this.#turns.pump());
  }

  /** A full scan of the workspace; resolves when all of it is saved, and what is saved was read back. */
  sync(): Promise<void> {
    return this.#supervisor.sync();
  }

  async #sandboxLost(reason: string): Promise<void> {
    await this.#writer
      .run(async () => {
        await this.#intake.take();
        await this.#supervisor.lost();
        await this.#markLost(reason);
      })
      .catch(this.#failed("the loss of a sandbox could not be saved"));
  }

  async #markLost(reason: string): Promise<void> {
    const message = `The sandbox is gone: ${reason}. The next message starts a new one from what was saved.`;
    const status = this.#supervisor.statusEvent("error", message);
    const { store, newId, now } = this.#parts;
    const error = { code: "sandbox_lost", message };
    const closing = { state: this.#log.state, store, key: this.key, newId, now, status: "failed" as const, error };
    // One that waits for people goes on in another sandbox.
    const isOver = this.#log.state.turn?.deferred !== true;
    await this.#writer.save(async () => ({
      events: [status, ...(isOver ? await closingEvents(closing) : [])],
      sandbox: null,
    }));
    this.#turns.pump();
  }

  /** After a start of the server: goes on where the last one stopped. */
  async resume(head: SessionHead): Promise<void> {
    failpoint("resume:before");
    const found = head.sandbox !== null && (await this.#supervisor.attach(head.sandbox, head.cursor));
    failpoint("resume:after");
    this.#hostTools.follow();
    const started = head.sandbox?.started === true;
    if (!found)
      await this.#writer.run(() => (started ? this.#markLost("it ended while no server ran") : this.#markUnloaded()));
    await this.#resumeTurn(started);
    this.#turns.pump();
  }

  /** The last server held this session without a sandbox that had begun, and went without saying so. */
  async #markUnloaded(): Promise<void> {
    const { turn, queue } = this.#log.state;
    // With work left it stays claimed: this server may be killed too.
    const isLoaded = turn !== null || queue.length > 0;
    await this.#writer.save({ events: [loadedEvent(this.#log.state, isLoaded)], sandbox: null });
  }

  /** Says in the log that a server holds the session. */
  markLoaded(): Promise<void> {
    return this.#writer.run(async () => {
      if (this.#log.state.runtime.isLoaded) return;
      await this.#writer.save({ events: [loadedEvent(this.#log.state, true)] });
    });
  }

  /** Stops the turn, saves everything, verifies that, ends the sandbox. Throws, with nothing ended, when it can't. */
  async unload(message: string): Promise<void> {
    this.#closing = true;
    this.#asks.close();
    try {
      await this.#stopTurn();
      if (this.#supervisor.active) await this.#supervisor.end(message);
      await this.#writer.run(() => this.#markIdle());
      await this.#writer.idle();
    } catch (error) {
      this.#closing = false;
      this.#asks.reopen();
      this.#turns.pump();
      throw error;
    }
  }

  async #markIdle(): Promise<void> {
    if (!this.#log.state.runtime.isLoaded) return;
    await this.#writer.append({ events: [loadedEvent(this.#log.state, false)], snapshot: true });
  }

  /** Ends the sandbox of a session that is idle, which stays in memory. Throws as `unload`. */
  async rest(message: string): Promise<void> {
    if (this.#supervisor.active) await this.#supervisor.end(message, { loaded: true });
  }

  async #stopTurn(): Promise<void> {
    // What was asked of it before it closed is done first.
    await this.#writer.run(async () => undefined);
    if (this.#log.state.turn === null || (await this.#asks.defer().catch(() => false))) return;
    await this.interrupt();
    const deadline = Date.now() + this.#parts.limits.interruptMs + FORCED_END_MS;
    while (this.#log.state.turn !== null) {
      if (this.#writer.failure !== undefined) throw this.#writer.failure;
      if (Date.now() > deadline) throw new RuntimeError("unavailable", "The running turn did not stop in time.");
      await delay(10);
    }
  }

  /** For shutdown: the running turn may go on, and is the last one; what waits is for the next server. */
  finish(): void {
    this.#finishing = true;
  }

  /** For shutdown: the sandbox goes on, a later server finds it. */
  async release(): Promise<void> {
    this.#close();
    await this.#writer.idle();
    await this.#supervisor.release();
  }

  /** For delete: the sandbox ends, whatever is in it. */
  async destroy(): Promise<void> {
    this.#close();
    await this.#supervisor.kill();
    await this.#writer.idle();
  }

  #close(): void {
    this.#closing = true;
    this.#turns.leaveLine();
    this.#leaving.abort();
    for (const part of [this.#hostTools, this.#control, this.#asks]) part.close();
  }

  #failed(message: string): (error: unknown) => void {
    return failedWrite(this.#parts.log, this.sessionId, message);
  }

  #refuseWhileClosing(): void {
    if (this.#closing)
      throw new RuntimeError("unavailable", "The session is being unloaded; send again.", { retryAfter: 1 });
  }
}
