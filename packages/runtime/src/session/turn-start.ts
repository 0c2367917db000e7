import { MAIN_CONVERSATION, type EventDraft } from "@hhopkins/agent-runtime-protocol";

/** What the log says when a turn takes a message. `timestamp`: ISO 8601. */
export function turnStart(
  sessionId: string,
  turn: { turnId: string; messageId: string; content: string; timestamp: string },
): EventDraft[] {
  const { turnId, messageId, content, timestamp } = turn;
  const block = { type: "user_message" as const, id: messageId, timestamp, content };
  const place = { sessionId, conversationId: MAIN_CONVERSATION };
  return [
    { type: "session:turn:started", data: { sessionId, turnId, messageIds: [messageId] } },
    { type: "session:block:start", data: { ...place, block } },
    { type: "session:block:complete", data: { ...place, blockId: messageId, block } },
  ];
}
