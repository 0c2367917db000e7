import {
  RuntimeError,
  toRuntimeError,
  type CommandBody,
  type SessionState,
  type TurnMessage,
  type TurnState,
} from "@hhopkins/agent-runtime-protocol";
import { failpoint, failpointAfterAnswer } from "../failpoint.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import { asksOfTurn, type TurnAsks } from "./ask-history.ts";
import { failedWrite } from "./failed-write.ts";
import type { SandboxSupervisor } from "./sandbox-supervisor.ts";
import type { SessionParts } from "./session-parts.ts";
import type { SessionWriter } from "./session-writer.ts";
import { putAttachments } from "./attachments.ts";
import { turnMessage } from "./message-queue.ts";
import { closingEvents } from "./turn-closing.ts";
import type { TurnControl, TurnStop } from "./turn-control.ts";
import { turnStart } from "./turn-start.ts";

/** What the delivery of a session's turns needs of it. */
export interface DeliveringSession {
  readonly key: SessionKey;
  readonly writer: SessionWriter;
  readonly supervisor: SandboxSupervisor;
  readonly control: TurnControl;
  state(): SessionState;
  /** It takes no further turn. */
  refusesTurns(): boolean;
  /** This server lets go of it. */
  isClosing(): boolean;
}

interface TurnCommand {
  readonly id: string;
  readonly body: CommandBody;
}

/** Takes messages of the queue into turns, gives these to the runner, and closes those that no runner ends. */
export class TurnDelivery {
  readonly #parts: SessionParts;
  readonly #session: DeliveringSession;

  constructor(parts: SessionParts, session: DeliveringSession) {
    this.#parts = parts;
    this.#session = session;
  }

  /** Throws `unavailable` where its sandbox would have neither a slot nor a place in the line. */
  standInLine(): void {
    const { slots } = this.#parts;
    const { supervisor, key } = this.#session;
    if (supervisor.active || slots.promise(key.sessionId)) return;
    const message = `All ${slots.limit} sandboxes are taken, and ${slots.maxWaiting} sessions wait already. Send again later.`;
    throw new RuntimeError("unavailable", message, { retryAfter: 5 });
  }

  /** Nothing waits for a sandbox any more. */
  leaveLine(): void {
    this.#parts.slots.forgo(this.#session.key.sessionId);
  }

  /** Takes the next message of the queue into a turn, if none runs. */
  pump(): void {
    const { turn, queue } = this.#session.state();
    if (turn === null && queue.length === 0) this.leaveLine();
    if (queue.length === 0) return;
    void this.#session.writer.run(() => this.#nextTurn()).catch(this.#failed("a turn could not be started"));
  }

  async #nextTurn(): Promise<void> {
    const { turn, queue } = this.#session.state();
    const message = queue[0];
    if (this.#session.refusesTurns() || turn !== null || message === undefined) return;
    const turnId = `turn_${this.#parts.newId()}`;
    const timestamp = this.#parts.now().toISOString();
    const { sessionId } = this.#session.key;
    await this.#session.writer.save({ events: turnStart(sessionId, { turnId, timestamp, message }) });
    this.deliver(turnId, [turnMessage(message)]);
  }

  /** Gives a turn to the runner, which takes it once, however often it is given. */
  deliver(turnId: string, messages: TurnMessage[]): void {
    const command = async (): Promise<TurnCommand> => {
      const body = { kind: "message" as const, turnId, messages, ...this.#asked() };
      return { id: turnId, body };
    };
    this.#give(turnId, command, messages);
  }

  /** What the running turn is to result in. */
  #asked(): Pick<TurnState, "resultSchema"> {
    const resultSchema = this.#session.state().turn?.resultSchema;
    return resultSchema === undefined ? {} : { resultSchema };
  }

  /** Has a runner go on with a turn that was deferred, with the answers that there are. */
  continueTurn(turnId: string): void {
    this.#give(turnId, async () => {
      const asks = await this.#continued(turnId);
      const [first] = asks;
      if (first === undefined) throw new RuntimeError("internal", `Turn ${turnId} was not deferred for any ask.`);
      failpoint("continue:before");
      return {
        id: `continue:${first.ask.askId}`,
        body: { kind: "continue", turnId, asks: [...asks], ...this.#asked() },
      };
    });
  }

  /** Says in the log that the turn goes on, where it does not say so yet; answers for what it was deferred. */
  async #continued(turnId: string): Promise<TurnAsks["deferred"]> {
    const { state, key, writer } = this.#session;
    const read = async (): Promise<TurnAsks["deferred"]> =>
      (await asksOfTurn({ store: this.#parts.store, key, lastSeq: state().lastSeq }, turnId)).deferred;
    if (state().turn?.deferred !== true) return read();
    let asks: TurnAsks["deferred"] = [];
    await writer.save(async () => {
      asks = await read();
      return { events: [{ type: "session:turn:continued", data: { sessionId: key.sessionId, turnId } }] };
    });
    return asks;
  }

  #give(turnId: string, command: () => Promise<TurnCommand>, messages: readonly TurnMessage[] = []): void {
    const { supervisor, writer, control, key } = this.#session;
    const { store, newId } = this.#parts;
    const delivery = async (): Promise<void> => {
      const link = await supervisor.ready().finally(() => this.leaveLine());
      await putAttachments({ store, key, link, newId }, messages);
      // In the mailbox: an interrupt comes either before, and ends the turn, or after, and goes to the runner.
      const given = await writer.run(async () => {
        if (this.#session.state().turn?.turnId !== turnId) return null;
        const { id, body } = await command();
        control.given(turnId, this.#parts.now().getTime());
        failpoint("deliver:before");
        const reply = link.command(id, body);
        failpointAfterAnswer("deliver:after");
        control.steer();
        return { reply };
      });
      await given?.reply.catch((error: unknown) => {
        // A server that did not live to end this sandbox had prepared it to: another one takes the turn.
        if (!link.ending) throw error;
        return delivery();
      });
    };
    delivery().catch((error: unknown) => void this.#turnFailed(turnId, toRuntimeError(error, "sandbox_unavailable")));
  }

  async #turnFailed(turnId: string, error: RuntimeError): Promise<void> {
    // A server that lets go of the session leaves the turn to the runner and to the next server.
    if (this.#session.isClosing()) return;
    await this.#session.writer
      .run(async () => {
        if (this.#session.state().turn?.turnId !== turnId) return;
        await this.closeTurn({ status: "failed", error: { code: error.code, message: error.message } });
      })
      .catch(this.#failed("the end of a turn could not be saved"));
  }

  /** Ends the running turn in the log, on behalf of a runner that does not. Inside of the mailbox. */
  async closeTurn(end: TurnStop): Promise<void> {
    const { store, newId, now } = this.#parts;
    const { key, writer } = this.#session;
    await writer.save(async () => ({
      events: await closingEvents({ state: this.#session.state(), store, key, newId, now, ...end }),
    }));
    this.pump();
  }

  #failed(message: string): (error: unknown) => void {
    return failedWrite(this.#parts.log, this.#session.key.sessionId, message);
  }
}
