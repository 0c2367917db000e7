import {
  queuePlace,
  RuntimeError,
  type EventDraft,
  type SendMessageAnswer,
  type SendMessageBody,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import type { LogWrite } from "../log/session-log.ts";
import type { SessionKey, SessionStore, StoredMessage } from "../persistence/session-store.ts";
import { sha256 } from "./entry-translation.ts";

export type IncomingMessage = SendMessageBody & { readonly idempotencyKey?: string };

interface Accepted {
  readonly answer: SendMessageAnswer;
  /** What has to be saved before the answer; absent for a message that is known. */
  readonly write?: LogWrite;
}

/**
 * Decides about a message: new ones join the queue, known ones are answered as the first time.
 * Throws `conflict` where an id or key comes again with another content.
 */
export async function acceptMessage(
  parts: { store: SessionStore; newId: () => string },
  session: { key: SessionKey; state: SessionState },
  message: IncomingMessage,
): Promise<Accepted> {
  const { key, state } = session;
  const { content, idempotencyKey, mode } = message;
  const contentHash = sha256(content);
  const known = await knownMessage(parts.store, key, message);
  if (known !== null) {
    if (known.contentHash !== contentHash) throw reused(message);
    return { answer: answer(key.sessionId, known) };
  }
  const waits = state.turn !== null || state.queue.length > 0;
  const stored: StoredMessage = {
    messageId: message.messageId ?? `msg_${parts.newId()}`,
    contentHash,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(waits ? { position: queuePlace(state.queue, mode) + 1 } : {}),
  };
  const { messageId, position } = stored;
  const data = {
    sessionId: key.sessionId,
    messageId,
    content,
    ...(position === undefined ? {} : { position }),
    ...(mode === undefined ? {} : { mode }),
  };
  return {
    answer: answer(key.sessionId, stored),
    write: { events: [...claim(state), { type: "session:message:queued", data }], messages: [stored] },
  };
}

/** What a message is answered with that was kept, or null: it is not known. Throws `conflict` as `acceptMessage`. */
export async function keptAnswer(
  store: SessionStore,
  key: SessionKey,
  message: IncomingMessage,
): Promise<SendMessageAnswer | null> {
  const known = await knownMessage(store, key, message);
  if (known === null) return null;
  if (known.contentHash !== sha256(message.content)) throw reused(message);
  return answer(key.sessionId, known);
}

/** From now on the next server goes on with this session, whenever this one dies. */
function claim(state: SessionState): EventDraft[] {
  return state.runtime.isLoaded ? [] : [loadedEvent(state, true)];
}

/** A server holds the session, or does not any more. */
export function loadedEvent({ sessionId, runtime }: SessionState, isLoaded: boolean): EventDraft {
  return { type: "session:status", data: { sessionId, runtime: { ...runtime, isLoaded } } };
}

/** Messages that a turn has taken, whole: those in the state can be cut. */
export async function keptMessages(
  store: SessionStore,
  key: SessionKey,
  messageIds: readonly string[],
): Promise<{ messageId: string; content: string }[]> {
  const found = await Promise.all(messageIds.map((messageId) => store.block(key, messageId)));
  return found.flatMap((stored) =>
    stored?.block.type === "user_message" ? [{ messageId: stored.block.id, content: stored.block.content }] : [],
  );
}

async function knownMessage(
  store: SessionStore,
  key: SessionKey,
  message: IncomingMessage,
): Promise<StoredMessage | null> {
  const { messageId, idempotencyKey } = message;
  const byId = messageId === undefined ? null : await store.message(key, { messageId });
  if (byId !== null || idempotencyKey === undefined) return byId;
  const byKey = await store.message(key, { idempotencyKey });
  if (byKey !== null && messageId !== undefined && byKey.messageId !== messageId) throw reused(message);
  return byKey;
}

function reused(message: IncomingMessage): RuntimeError {
  const name =
    message.messageId === undefined ? `Idempotency-Key ${message.idempotencyKey}` : `messageId ${message.messageId}`;
  return new RuntimeError("conflict", `${name} was used for another message. Use a new one.`, {
    field: message.messageId === undefined ? "Idempotency-Key" : "body.messageId",
  });
}

function answer(sessionId: string, stored: StoredMessage): SendMessageAnswer {
  const { messageId, position } = stored;
  return { success: true, sessionId, messageId, ...(position === undefined ? {} : { position }) };
}
