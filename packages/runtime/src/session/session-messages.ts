import type { SendMessageAnswer, SessionState } from "@hhopkins/agent-runtime-protocol";
import { failpoint, failpointAfterAnswer } from "../failpoint.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import type { SessionAsks } from "./asks.ts";
import { refuseUnknownCommand } from "./known-command.ts";
import { acceptMessage, type IncomingMessage } from "./message-queue.ts";
import type { SessionParts } from "./session-parts.ts";
import type { SessionWriter } from "./session-writer.ts";
import type { TurnControl } from "./turn-control.ts";
import type { TurnDelivery } from "./turn-delivery.ts";

/** What the messages of a session need of it. */
export interface MessagedSession {
  readonly key: SessionKey;
  readonly writer: SessionWriter;
  readonly control: TurnControl;
  readonly turns: TurnDelivery;
  readonly asks: SessionAsks;
  state(): SessionState;
}

/** Messages as people send, change and withdraw them. */
export class SessionMessages {
  readonly #parts: SessionParts;
  readonly #session: MessagedSession;

  constructor(parts: SessionParts, session: MessagedSession) {
    this.#parts = parts;
    this.#session = session;
  }

  get #at(): { key: SessionKey; state: SessionState } {
    return { key: this.#session.key, state: this.#session.state() };
  }

  /** Resolves when the message is in the log; a message that was sent before is answered as it was then. */
  send(message: IncomingMessage): Promise<SendMessageAnswer> {
    const { writer, turns, asks } = this.#session;
    return writer.ask(async () => {
      const accepted = await acceptMessage(this.#parts, this.#at, message);
      if (accepted.write !== undefined) {
        await refuseUnknownCommand(this.#parts, this.#at, message.content);
        // Behind a turn that waits for people it needs no sandbox yet.
        if (!asks.areDeferred) turns.standInLine();
        await writer.append(accepted.write);
      }
      failpoint("acknowledge:before");
      failpointAfterAnswer("acknowledge:after");
      if (accepted.write !== undefined) await this.#act(message.mode, accepted.answer.messageId);
      turns.pump();
      return accepted.answer;
    }, message.content.length);
  }

  async #act(mode: IncomingMessage["mode"], messageId: string): Promise<void> {
    if (mode === "interrupt") await this.#session.control.stop();
    if (mode === "steer") this.#session.control.steer(messageId);
  }

  async update(messageId: string, content: string): Promise<void> {
    const { control, key } = this.#session;
    await refuseUnknownCommand(this.#parts, this.#at, content);
    const data = { sessionId: key.sessionId, messageId, content };
    return control.change(messageId, { type: "session:message:updated", data });
  }

  async withdraw(messageId: string): Promise<void> {
    const { control, turns, key } = this.#session;
    const data = { sessionId: key.sessionId, messageId };
    await control.change(messageId, { type: "session:message:withdrawn", data });
    turns.pump();
  }
}
