import { z } from "zod";
import { Ask, AskAnswer } from "./asks.ts";
import { BlockUpdates, ConversationBlock, SubagentStatus } from "./blocks.ts";
import { WorkspaceFile } from "./files.ts";
import { ClientId, Id, Seq, Sha256, Timestamp, WorkspacePath } from "./primitives.ts";
import { SessionRuntimeState } from "./runtime-state.ts";
import { MessageMode, PersistedSessionListData, SessionOptions, TurnError, TurnStatus } from "./session.ts";
import { SessionMetadata, Usage } from "./usage.ts";

const sessionId = Id;
/** `"main"` or a subagent's id. */
const conversationId = Id;

/** Payload of every event of a session's log, by its type. `data` always has `sessionId`. */
export const eventData = {
  /** `profileVersion`: the content of its profile that it keeps to. */
  "session:created": z.object({ sessionId, session: PersistedSessionListData, profileVersion: Sha256.optional() }),
  "session:block:start": z.object({ sessionId, conversationId, block: ConversationBlock }),
  "session:block:delta": z.object({ sessionId, conversationId, blockId: Id, delta: z.string() }),
  "session:block:update": z.object({ sessionId, conversationId, blockId: Id, updates: BlockUpdates }),
  "session:block:complete": z.object({ sessionId, conversationId, blockId: Id, block: ConversationBlock }),
  "session:status": z.object({ sessionId, runtime: SessionRuntimeState }),
  "session:metadata:update": z.object({ sessionId, metadata: SessionMetadata }),
  "session:options:update": z.object({ sessionId, sessionOptions: SessionOptions }),
  /** From the next turn on it has this content of its profile. */
  "session:profile:update": z.object({ sessionId, profileVersion: Sha256 }),
  "session:file:created": z.object({ sessionId, file: WorkspaceFile }),
  "session:file:modified": z.object({ sessionId, file: WorkspaceFile }),
  "session:file:deleted": z.object({ sessionId, path: WorkspacePath }),
  "session:subagent:discovered": z.object({
    sessionId,
    subagent: z.object({ id: Id, name: z.string(), status: SubagentStatus }),
  }),
  "session:subagent:completed": z.object({
    sessionId,
    subagentId: Id,
    status: SubagentStatus,
    output: z.string().optional(),
  }),
  "session:message:queued": z.object({
    sessionId,
    messageId: ClientId,
    content: z.string(),
    /** Place in the queue, 1 is next; absent when a turn can take it at once. */
    position: z.number().int().positive().optional(),
    mode: MessageMode.optional(),
  }),
  "session:message:updated": z.object({ sessionId, messageId: ClientId, content: z.string() }),
  "session:message:withdrawn": z.object({ sessionId, messageId: ClientId }),
  /** The running turn has folded it in; its `user_message` block follows. */
  "session:message:taken": z.object({ sessionId, messageId: ClientId, turnId: Id }),
  "session:turn:started": z.object({ sessionId, turnId: Id, messageIds: z.array(ClientId) }),
  "session:turn:completed": z.object({
    sessionId,
    turnId: Id,
    messageIds: z.array(ClientId),
    status: TurnStatus,
    usage: Usage,
    costUSD: z.number().nonnegative(),
    error: TurnError.optional(),
  }),
  /** The turn waits for the answer to an ask, and has no sandbox meanwhile. */
  "session:turn:deferred": z.object({ sessionId, turnId: Id }),
  /** Goes on with a turn that was deferred. */
  "session:turn:continued": z.object({ sessionId, turnId: Id }),
  "session:ask:opened": z.object({ sessionId, ask: Ask }),
  /**
   * `by`: the principal who answered, `expiry`, or `agent` where it does not want to know any more. `answer` is null where
   * nobody gave one.
   */
  "session:ask:resolved": z.object({ sessionId, askId: Id, answer: AskAnswer.nullable(), by: z.string() }),
  error: z.object({ sessionId, code: z.string(), message: z.string() }),
} as const;

export type EventType = keyof typeof eventData;
export type EventData<T extends EventType> = z.infer<(typeof eventData)[T]>;

/** An event that has no number yet: what the session hands to the log. */
export type EventDraft = { [T in EventType]: { type: T; data: EventData<T> } }[EventType];

/** An entry of a session's log. `at` is stamped by the server. */
export type SessionEvent = { [T in EventType]: { seq: number; at: string; type: T; data: EventData<T> } }[EventType];

/** Event types, in the order of the table above. */
export const EVENT_TYPES = Object.keys(eventData) as EventType[];

export function isEventType(type: string): type is EventType {
  return Object.hasOwn(eventData, type);
}

const Envelope = z.object({ seq: Seq.positive(), at: Timestamp, type: z.string(), data: z.unknown() });

/**
 * Checks one stored or received event. Throws a ZodError for a known type with a wrong payload;
 * returns null for a type that this version does not know (a newer server's).
 */
export function parseEvent(value: unknown): SessionEvent | null {
  const envelope = Envelope.parse(value);
  if (!isEventType(envelope.type)) return null;
  const data = eventData[envelope.type].parse(envelope.data);
  return { seq: envelope.seq, at: envelope.at, type: envelope.type, data } as SessionEvent;
}
