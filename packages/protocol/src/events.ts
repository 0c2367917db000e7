import { z } from "zod";
import { Ask, AskAnswer } from "./asks.ts";
import { Attachments } from "./attachments.ts";
import { BlockUpdates, ConversationBlock, SubagentStatus } from "./blocks.ts";
import { WorkspaceFile } from "./files.ts";
import { CalledHostTool, HostToolStatus } from "./host-tools.ts";
import { ClientId, Id, Seq, Sha256, Timestamp, WorkspacePath } from "./primitives.ts";
import { ResultSchema, TurnResult } from "./results.ts";
import { SessionRuntimeState } from "./runtime-state.ts";
import {
  EndedTurn,
  ForkOrigin,
  MessageMode,
  PersistedSessionListData,
  SessionOptions,
  TurnError,
  TurnStatus,
} from "./session.ts";
import { SessionMetadata, Usage } from "./usage.ts";

const sessionId = Id;
/** `"main"` or a subagent's id. */
const conversationId = Id;
const Subagent = z.object({
  id: Id,
  name: z.string(),
  status: SubagentStatus,
  /** The conversation that called it. */
  parentId: Id.optional(),
  /** Its caller goes on without waiting for it. */
  background: z.boolean().optional(),
});
/** A block as a state had it: an update may have given it fields that blocks of its type do not have. */
const ShownBlock: z.ZodType<ConversationBlock> = z.intersection(ConversationBlock, z.looseObject({}));
/** What a state shows of a conversation: these blocks, and the last `keep` of those that it has; `before`: the cursor of older ones. */
const BlockWindow = z.object({
  blocks: z.array(ShownBlock),
  keep: z.number().int().nonnegative(),
  before: Id.optional(),
});

/** Payload of every event of a session's log, by its type. `data` always has `sessionId`. */
export const eventData = {
  /** `profileVersion`: the content of its profile that it keeps to. */
  "session:created": z.object({
    sessionId,
    session: PersistedSessionListData,
    profileVersion: Sha256.optional(),
    forkedFrom: ForkOrigin.optional(),
  }),
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
    subagent: Subagent,
  }),
  "session:subagent:completed": z.object({
    sessionId,
    subagentId: Id,
    status: SubagentStatus,
    output: z.string().optional(),
  }),
  /** What it has used so far, without the subagents that it called; it is part of the session's own. */
  "session:subagent:usage": z.object({
    sessionId,
    subagentId: Id,
    usage: Usage,
    costUSD: z.number().nonnegative(),
  }),
  "session:message:queued": z.object({
    sessionId,
    messageId: ClientId,
    content: z.string(),
    /** Place in the queue, 1 is next; absent when a turn can take it at once. */
    position: z.number().int().positive().optional(),
    mode: MessageMode.optional(),
    attachments: Attachments.optional(),
    resultSchema: ResultSchema.optional(),
  }),
  "session:message:updated": z.object({ sessionId, messageId: ClientId, content: z.string() }),
  "session:message:withdrawn": z.object({ sessionId, messageId: ClientId }),
  /** The running turn has folded it in; its `user_message` block follows. */
  "session:message:taken": z.object({ sessionId, messageId: ClientId, turnId: Id }),
  "session:turn:started": z.object({
    sessionId,
    turnId: Id,
    messageIds: z.array(ClientId),
    /** What it is to result in. */
    resultSchema: ResultSchema.optional(),
  }),
  "session:turn:completed": z.object({
    sessionId,
    turnId: Id,
    messageIds: z.array(ClientId),
    status: TurnStatus,
    usage: Usage,
    costUSD: z.number().nonnegative(),
    error: TurnError.optional(),
    /** It fits the turn's `resultSchema`. */
    result: TurnResult.optional(),
  }),
  /**
   * Conversations and files are as they were at that turn's end; the events before this one took back what came later.
   * A `window` stands where that alone does not give the blocks of then. Subagents that are not named are no more.
   */
  "session:rewound": z.object({
    sessionId,
    turnId: Id,
    window: BlockWindow.optional(),
    subagents: z.array(
      Subagent.extend({
        output: z.string().optional(),
        usage: Usage.optional(),
        costUSD: z.number().nonnegative().optional(),
        window: BlockWindow.optional(),
      }),
    ),
    lastTurn: EndedTurn.optional(),
    allowedTools: z.array(z.string()).optional(),
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
  /** The agent calls a tool of the application; it runs once this is kept. */
  "session:host-tool:called": z.object({ sessionId, call: CalledHostTool }),
  /** `content` is what the agent is told. */
  "session:host-tool:completed": z.object({
    sessionId,
    callId: Id,
    status: HostToolStatus,
    content: z.string(),
    /** Milliseconds that it ran here; absent where it did not. */
    durationMs: z.number().nonnegative().optional(),
  }),
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
