import {
  UnsteerReport,
  RuntimeError,
  toRuntimeError,
  type Attachment,
  type EventDraft,
  type SessionState,
  type TurnError,
} from "@hhopkins/agent-runtime-protocol";
import type { SessionKey } from "../persistence/session-store.ts";
import { putAttachments } from "./attachments.ts";
import { withDeadline } from "./deadline.ts";
import { Mailbox } from "./mailbox.ts";
import { turnMessage } from "./message-queue.ts";
import type { SandboxSupervisor } from "./sandbox-supervisor.ts";
import type { SessionParts } from "./session-parts.ts";
import type { SessionWriter } from "./session-writer.ts";

export type TurnStop = { readonly status: "interrupted" } | { readonly status: "failed"; readonly error: TurnError };

/** What the control of a session's turns needs of it. */
export interface ControlledSession {
  readonly sessionId: string;
  readonly key: SessionKey;
  readonly writer: SessionWriter;
  readonly supervisor: SandboxSupervisor;
  state(): SessionState;
  /** Ends the running turn in the log, on behalf of a runner that does not; inside of the mailbox. */
  closeTurn(stop: TurnStop): Promise<void>;
}

/** For the runner's answer, when a message is to be taken back from it. */
const UNSTEER_MS = 10_000;
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Of the time for an interrupt: what is left is for the runner to tell what a killed harness had said. */
const HARNESS_SHARE = 0.8;

/** Stops turns, by asking, by force, and by the clock; and gives messages to the one that runs. */
export class TurnControl {
  readonly #parts: SessionParts;
  readonly #session: ControlledSession;
  /** Changes of messages that a runner may have, one after another. */
  readonly #changes = new Mailbox();
  /** The message that is being changed: no turn is offered it meanwhile. */
  #changing: string | undefined;
  #given: string | undefined;
  #timeout: NodeJS.Timeout | undefined;
  #escalation: { readonly turnId: string; readonly timer: NodeJS.Timeout } | undefined;

  constructor(parts: SessionParts, session: ControlledSession) {
    this.#parts = parts;
    this.#session = session;
  }

  /** The turn that runs was given to a runner: only the runner can stop it, and says how it ended. */
  get isGiven(): boolean {
    const { turn } = this.#session.state();
    return turn !== null && turn.turnId === this.#given;
  }

  /** A runner gets the turn, or has it since `at`, in milliseconds since the epoch. Inside of the mailbox. */
  given(turnId: string, at: number): void {
    if (this.#given === turnId) return;
    this.#given = turnId;
    this.#watchTime(turnId, at);
  }

  #watchTime(turnId: string, from: number): void {
    const { turnTimeoutMs } = this.#parts.limits;
    if (turnTimeoutMs === undefined) return;
    clearTimeout(this.#timeout);
    const left = Math.max(0, from + turnTimeoutMs - this.#parts.now().getTime());
    this.#timeout = setTimeout(() => this.#tookTooLong(turnId, turnTimeoutMs), Math.min(left, MAX_TIMER_MS)).unref();
  }

  /** No runner has the turn any more, and it has not ended. */
  letGo(): void {
    this.#given = undefined;
    this.close();
    this.#escalation = undefined;
  }

  #tookTooLong(turnId: string, ms: number): void {
    // It is people who take their time.
    if (this.#session.state().asks.length > 0) return this.#watchTime(turnId, this.#parts.now().getTime());
    const message = `The turn ran for longer than ${Math.round(ms / 1000)} s (turnTimeoutMs). Send another message to go on from here, with a smaller task, or raise the limit.`;
    this.#session.writer
      .run(async () => {
        if (this.#session.state().turn?.turnId === turnId) await this.stop({ code: "turn_timeout", message });
      })
      .catch((error: unknown) => this.#warn(error, "a turn that took too long could not be stopped"));
  }

  /** Asks the running turn to stop, and sees to it that it does; with `failure` it ends as failed. Inside of the mailbox. */
  async stop(failure?: TurnError): Promise<void> {
    const { turn } = this.#session.state();
    if (turn === null) return;
    const stop: TurnStop = failure === undefined ? { status: "interrupted" } : { status: "failed", error: failure };
    if (!this.isGiven) return this.#session.closeTurn(stop);
    const { turnId } = turn;
    const { interruptMs } = this.#parts.limits;
    const graceMs = Math.max(1, Math.floor(interruptMs * HARNESS_SHARE));
    this.tell("interrupt", { kind: "interrupt", turnId, graceMs, ...(failure === undefined ? {} : { failure }) });
    if (this.#escalation?.turnId === turnId) return;
    clearTimeout(this.#escalation?.timer);
    this.#escalation = {
      turnId,
      timer: setTimeout(() => this.#force(turnId, stop), Math.min(interruptMs, MAX_TIMER_MS)),
    };
  }

  /** The runner did not end it either: the turn ends here, and its sandbox with it. */
  #force(turnId: string, stop: TurnStop): void {
    const { writer, supervisor } = this.#session;
    writer
      .run(async () => {
        if (this.#session.state().turn?.turnId !== turnId) return;
        this.#parts.log.warn(
          { sessionId: this.#session.sessionId, turnId },
          "a turn did not stop when it was told to; its sandbox is ended",
        );
        supervisor.abandon(
          "The running turn did not stop in time, and its sandbox was ended. The next message starts a new one.",
        );
        await this.#session.closeTurn(stop);
      })
      .catch((error: unknown) => this.#warn(error, "a turn that does not stop could not be ended"));
  }

  /** After a start of the server: whether a message waits that was to stop the running turn. */
  get isToStop(): boolean {
    const { turn, queue } = this.#session.state();
    return turn !== null && queue.some(({ mode, queuedAt }) => mode === "interrupt" && queuedAt >= turn.startedAt);
  }

  /** Offers the running turn what was sent for it and still waits: all of it, or one message, whose attachments may be there. */
  steer(only?: string, { areThere = false } = {}): void {
    const { turn, queue } = this.#session.state();
    if (turn === null || !this.isGiven) return;
    for (const message of queue) {
      const { messageId, mode, queuedAt, attachments } = message;
      if (only !== undefined && only !== messageId) continue;
      // What was there before the turn waits for one of its own.
      if (mode !== "steer" || queuedAt < turn.startedAt || this.#changing === messageId) continue;
      if (attachments === undefined || areThere)
        this.tell("steer", { kind: "steer", turnId: turn.turnId, ...turnMessage(message) });
      else this.#steerWith(attachments, messageId);
    }
  }

  /** Offers it once the runner has what it comes with: by then it may have been withdrawn, or the turn be another one. */
  #steerWith(attachments: Attachment[], messageId: string): void {
    const { writer, supervisor, key } = this.#session;
    const { store, newId } = this.#parts;
    const { link } = supervisor;
    if (link === undefined) return;
    putAttachments({ store, key, link, newId }, [{ attachments }])
      .then(() => writer.run(async () => this.steer(messageId, { areThere: true })))
      .catch((error: unknown) => this.#warn(error, "what a message comes with could not be given to the turn"));
  }

  /** Changes a message that waits. Rejects with `message_not_found` where a turn has it, or is about to. */
  change(messageId: string, event: EventDraft): Promise<void> {
    const { writer } = this.#session;
    return this.#changes.run(async () => {
      this.#changing = messageId;
      try {
        if (this.#isSteered(messageId)) await this.#takeBack(messageId);
        await writer.ask(async () => {
          if (!this.#session.state().queue.some((message) => message.messageId === messageId))
            throw notQueued(messageId);
          await writer.append({ events: [event] });
        });
      } finally {
        this.#changing = undefined;
        this.steer(messageId);
      }
    });
  }

  #isSteered(messageId: string): boolean {
    const message = this.#session.state().queue.find((queued) => queued.messageId === messageId);
    return message?.mode === "steer" && this.isGiven;
  }

  async #takeBack(messageId: string): Promise<void> {
    const { link } = this.#session.supervisor;
    if (link === undefined || this.#given === undefined) return;
    const reply = link.command(`unsteer:${this.#parts.newId()}`, { kind: "unsteer", turnId: this.#given, messageId });
    const late = () =>
      new RuntimeError("unavailable", "The running turn did not give the message back in time; try again.", {
        retryAfter: 1,
      });
    const report = await withDeadline(reply, UNSTEER_MS, late).catch((error: unknown) => {
      // With its sandbox gone no turn has it.
      if (toRuntimeError(error).code === "sandbox_lost") return { taken: false };
      throw error;
    });
    if (UnsteerReport.parse(report).taken) throw notQueued(messageId);
  }

  /** Tells the runner, if there is one; an answer is not waited for. */
  tell(name: string, body: Parameters<NonNullable<SandboxSupervisor["link"]>["command"]>[1]): void {
    this.#session.supervisor.link
      ?.command(`${name}:${this.#parts.newId()}`, body)
      .catch((error: unknown) => this.#warn(error, `the runner did not take ${name}`));
  }

  /** Watches no turn any more. */
  close(): void {
    clearTimeout(this.#timeout);
    clearTimeout(this.#escalation?.timer);
  }

  #warn(error: unknown, message: string): void {
    this.#parts.log.warn({ err: error, sessionId: this.#session.sessionId }, message);
  }
}

function notQueued(messageId: string): RuntimeError {
  return new RuntimeError("message_not_found", `Message ${messageId} is not in the queue; a turn may have taken it.`);
}
