import {
  queuePlace,
  RuntimeError,
  type EventDraft,
  type SendMessageAnswer,
  type SendMessageBody,
  type SessionState,
  type TurnMessage,
} from "@hhopkins/agent-runtime-protocol";
import type { LogWrite } from "../log/session-log.ts";
import type { SessionKey, SessionStore, StoredMessage } from "../persistence/session-store.ts";
import type { IncomingAttachment } from "../cluster/sent-bytes.ts";
import { loggedAttachment } from "./attachments.ts";
import { sha256 } from "./entry-translation.ts";

export type IncomingMessage = Omit<SendMessageBody, "attachments"> & {
  readonly idempotencyKey?: string | undefined;
  /** Their bytes are kept already. */
  readonly attachments?: IncomingAttachment[] | undefined;
};

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
  const { content, idempotencyKey, mode, attachments, resultSchema } = message;
  const contentHash = contentHashOf(message);
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
  await assertKept(parts.store, key, attachments ?? []);
  const { messageId, position } = stored;
  const data = {
    sessionId: key.sessionId,
    messageId,
    content,
    ...(position === undefined ? {} : { position }),
    ...(mode === undefined ? {} : { mode }),
    ...(attachments === undefined ? {} : { attachments: attachments.map((one) => loggedAttachment(one, messageId)) }),
    ...(resultSchema === undefined ? {} : { resultSchema }),
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
  if (known.contentHash !== contentHashOf(message)) throw reused(message);
  return answer(key.sessionId, known);
}

/** From now on the next server goes on with this session, whenever this one dies. */
export function claim(state: SessionState): EventDraft[] {
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
): Promise<TurnMessage[]> {
  const found = await Promise.all(messageIds.map((messageId) => store.block(key, messageId)));
  return found.flatMap((stored) =>
    stored?.block.type === "user_message" ? [turnMessage({ ...stored.block, messageId: stored.block.id })] : [],
  );
}

/** A message as a turn gets it. */
export function turnMessage({ messageId, content, attachments }: TurnMessage): TurnMessage {
  return { messageId, content, ...(attachments === undefined ? {} : { attachments }) };
}

/** Of what was sent: the same again is the same message. */
export function contentHashOf({ content, attachments = [], resultSchema }: IncomingMessage): string {
  if (attachments.length === 0 && resultSchema === undefined) return sha256(content);
  const files = attachments.map(({ name, mediaType, sha256: sha, to }) => [name, mediaType, sha, to]);
  return sha256(JSON.stringify([content, files, resultSchema ?? null]));
}

async function assertKept(
  store: SessionStore,
  key: SessionKey,
  attachments: readonly IncomingAttachment[],
): Promise<void> {
  for (const { name, size, sha256: sha } of attachments) {
    if (size === 0 || (await store.blobSize(key, sha)) === size) continue;
    const message = `The bytes of the attachment ${name} were not kept. Send the message again.`;
    throw new RuntimeError("unavailable", message, { retryAfter: 1 });
  }
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
