import {
  MAIN_CONVERSATION,
  type Attachment,
  type EventDraft,
  type ResultSchema,
  type UserMessageBlock,
} from "@hhopkins/agent-runtime-protocol";

interface StartingMessage {
  readonly messageId: string;
  readonly content: string;
  readonly attachments?: Attachment[] | undefined;
  readonly resultSchema?: ResultSchema | undefined;
}

/** A message as the conversation has it. `timestamp`: ISO 8601, of when a turn took it. */
export function userMessageBlock(
  { messageId, content, attachments }: StartingMessage,
  timestamp: string,
): UserMessageBlock {
  const files = attachments === undefined ? {} : { attachments };
  return { type: "user_message", id: messageId, timestamp, content, ...files };
}

/** What the log says when a turn takes a message. `timestamp`: ISO 8601. */
export function turnStart(
  sessionId: string,
  turn: { turnId: string; timestamp: string; message: StartingMessage },
): EventDraft[] {
  const { turnId, timestamp, message } = turn;
  const { messageId, resultSchema } = message;
  const block = userMessageBlock(message, timestamp);
  const result = resultSchema === undefined ? {} : { resultSchema };
  const place = { sessionId, conversationId: MAIN_CONVERSATION };
  return [
    { type: "session:turn:started", data: { sessionId, turnId, messageIds: [messageId], ...result } },
    { type: "session:block:start", data: { ...place, block } },
    { type: "session:block:complete", data: { ...place, blockId: messageId, block } },
  ];
}
