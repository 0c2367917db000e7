import { RuntimeError, type SendMessageAnswer } from "@hhopkins/agent-runtime-protocol";
import type { RunMethod } from "../cluster/command-executor.ts";
import { NoAnswer, type RemoteCommands } from "../cluster/remote-commands.ts";
import { RunsElsewhere } from "../cluster/runs-elsewhere.ts";
import type { MethodAnswer, MethodBody, SessionMethod } from "../cluster/session-methods.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import { piecesOf, type GivenAttachment } from "./attachments.ts";
import { sha256 } from "./entry-translation.ts";
import { keptAnswer, type IncomingMessage } from "./message-queue.ts";
import type { FilePut } from "./session-files.ts";
import type { SessionManager } from "./session-manager.ts";
import { incomingMessage, type SentMessage } from "./sent-message.ts";
import type { SessionParts } from "./session-parts.ts";

export interface SessionRequestsParts extends Pick<SessionParts, "store" | "newId"> {
  readonly manager: Pick<SessionManager, "state" | "head">;
  readonly here: RunMethod;
  /** Absent: no other server shares the store. */
  readonly remote: RemoteCommands | undefined;
}

type NamedMessage = IncomingMessage & { readonly messageId: string };

function isNamed(message: IncomingMessage): message is NamedMessage {
  return message.messageId !== undefined;
}

/** What clients ask of sessions: done by the node that runs the session, wherever it was asked. */
export class SessionRequests {
  readonly #parts: SessionRequestsParts;

  constructor(parts: SessionRequestsParts) {
    this.#parts = parts;
  }

  /** Rejects with the refusal of whoever runs the session, and with `unavailable` where that node does not answer. */
  ask<M extends SessionMethod>(key: SessionKey, method: M, body: MethodBody<M>): Promise<MethodAnswer<M>> {
    return this.#hereOr(key, [method, body], (nodeId, remote) => remote.ask({ key, method, body, nodeId }));
  }

  /** The message is kept when it resolves: in the log, or as a command that whoever has the session next executes. */
  async send(key: SessionKey, message: SentMessage): Promise<SendMessageAnswer> {
    const body = await this.#named(key, incomingMessage(message));
    const known = await this.#keepBytes(key, body, message.attachments ?? []);
    if (known !== null) return known;
    return this.#hereOr(key, ["send", body], (nodeId, remote) =>
      remote.ask({ key, method: "send", body, nodeId }).catch((error: unknown) => {
        if (error instanceof NoAnswer && isNamed(body)) return this.#promised(key, body);
        throw error;
      }),
    );
  }

  /** Keeps what the message comes with, before it; or answers for a message that is kept already. */
  async #keepBytes(
    key: SessionKey,
    message: IncomingMessage,
    given: readonly GivenAttachment[],
  ): Promise<SendMessageAnswer | null> {
    if (given.length === 0) return null;
    const known = await keptAnswer(this.#parts.store, key, message);
    if (known !== null) return known;
    const done = new Set<string>();
    for (const [index, { sha256: sha }] of (message.attachments ?? []).entries()) {
      const { bytes } = given[index] ?? { bytes: new Uint8Array() };
      if (done.has(sha)) continue;
      done.add(sha);
      await this.#keep(key, bytes, sha);
    }
    return null;
  }

  async #keep(key: SessionKey, bytes: Uint8Array, sha: string): Promise<void> {
    for (const piece of piecesOf(bytes, sha)) await this.ask(key, "keepBytes", piece);
  }

  /** Writes a file into the workspace; resolves when that is in the log. */
  async putFile(key: SessionKey, { path, bytes }: { path: string; bytes: Uint8Array }): Promise<FilePut> {
    const sha = sha256(bytes);
    await this.#keep(key, bytes, sha);
    return this.ask(key, "putFile", { path, size: bytes.byteLength, sha256: sha });
  }

  /** Stops the turn that is running now as far as whoever asks can know: not one that begins while the word travels. */
  async interrupt(key: SessionKey): Promise<void> {
    await this.#hereOr(key, ["interrupt", {}], async (nodeId, remote) => {
      const { turn } = await this.#parts.manager.state(key);
      if (turn === null) return null;
      return remote.ask({ key, method: "interrupt", body: { turnId: turn.turnId }, nodeId });
    });
  }

  /** Asks the node that runs the session now; where no other one does, this one as it is. */
  async look<M extends "network" | "sandboxLog">(
    key: SessionKey,
    method: M,
    body: MethodBody<M>,
  ): Promise<MethodAnswer<M>> {
    const { remote, here } = this.#parts;
    const nodeId = await remote?.holder(key);
    if (remote === undefined || nodeId === undefined) return here(key, method, body);
    return remote.ask({ key, method, body, nodeId });
  }

  async #hereOr<M extends SessionMethod>(
    key: SessionKey,
    [method, body]: [M, MethodBody<M>],
    elsewhere: (nodeId: string, remote: RemoteCommands) => Promise<MethodAnswer<M>>,
  ): Promise<MethodAnswer<M>> {
    const { here, remote } = this.#parts;
    try {
      return await here(key, method, body);
    } catch (error) {
      if (!(error instanceof RunsElsewhere) || remote === undefined) throw error;
      return elsewhere(error.lease.nodeId, remote);
    }
  }

  /** So that it is the same message the second time, on whichever node. */
  async #named(key: SessionKey, message: IncomingMessage): Promise<IncomingMessage> {
    const { messageId, idempotencyKey } = message;
    if (messageId !== undefined) return message;
    if (idempotencyKey === undefined) return { ...message, messageId: `msg_${this.#parts.newId()}` };
    // The session finds it by its key, and nobody else is asked.
    if (this.#parts.remote === undefined) return message;
    const known = await this.#parts.store.message(key, { idempotencyKey });
    const derived = `msg_${sha256(`${key.sessionId} ${idempotencyKey}`).slice(0, 32)}`;
    return { ...message, messageId: known?.messageId ?? derived };
  }

  /** Nobody has taken the message yet, as far as is known: somebody will. */
  async #promised(key: SessionKey, message: NamedMessage): Promise<SendMessageAnswer> {
    const { store, manager } = this.#parts;
    const kept = await keptAnswer(store, key, message).catch((error: unknown) => {
      // The command is kept; what the log has is only asked to say more.
      if (error instanceof RuntimeError && error.code === "conflict") throw error;
      return null;
    });
    if (kept !== null) return kept;
    await manager.head(key).catch((error: unknown) => {
      if (error instanceof RuntimeError && error.code === "session_not_found") throw error;
    });
    return { success: true, sessionId: key.sessionId, messageId: message.messageId };
  }
}
