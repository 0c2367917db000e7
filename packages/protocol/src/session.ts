import { z } from "zod";
import { Attachments } from "./attachments.ts";
import { PermissionMode } from "./permission-mode.ts";
import { ClientId, Id, JsonObject, Seq, Timestamp } from "./primitives.ts";
import { ResultSchema, TurnResult } from "./results.ts";
import { SessionRuntimeState } from "./runtime-state.ts";
import { WorkspaceFile } from "./files.ts";
import { Effort, TurnLimits } from "./turn-limits.ts";
import { SessionMetadata } from "./usage.ts";

/** Agent harnesses that a session can name. */
export const Architecture = z.enum(["claude-agent-sdk"]);
export type Architecture = z.infer<typeof Architecture>;

/** Options of one session; they override the profile's. Kept fields of other names are the harness's own. */
export const SessionOptions = z.strictObject({
  model: z.string().min(1).max(200).optional(),
  effort: Effort.optional(),
  permissionMode: PermissionMode.optional(),
  /** Each bound stands in place of the profile's. */
  limits: TurnLimits.optional(),
});
export type SessionOptions = z.infer<typeof SessionOptions>;

export const PersistedSessionListData = z.object({
  sessionId: Id,
  /** The architecture. */
  type: z.string(),
  agentProfileReference: z.string(),
  name: z.string().optional(),
  createdAt: Timestamp,
  lastActivity: Timestamp.optional(),
  sessionOptions: SessionOptions.optional(),
  /** The user's own. */
  metadata: JsonObject.optional(),
});
export type PersistedSessionListData = z.infer<typeof PersistedSessionListData>;

/** The turn of another session at whose end a session began; `seq`: of that session's log. */
export const ForkOrigin = z.object({ sessionId: Id, turnId: Id, seq: Seq.positive() });
export type ForkOrigin = z.infer<typeof ForkOrigin>;

export const PersistedSessionData = PersistedSessionListData.extend({
  rawTranscript: z.string().optional(),
  workspaceFiles: z.array(WorkspaceFile),
});
export type PersistedSessionData = z.infer<typeof PersistedSessionData>;

/**
 * What goes on in a session, as its log says. `waiting`: for somebody's answer to an ask; `running`: a turn runs;
 * `queued`: a message waits for a turn; `idle`: nothing.
 */
export const SessionActivity = z.enum(["idle", "queued", "running", "waiting"]);
export type SessionActivity = z.infer<typeof SessionActivity>;

/**
 * An item of `GET /sessions`. `activity` and `sessionMetadata` are absent where its store does not know them: of a
 * session of an adapter with nine methods that is not in memory, and of one that did nothing since an older version.
 */
export const SessionListItem = PersistedSessionListData.extend({
  runtime: SessionRuntimeState,
  activity: SessionActivity.optional(),
  sessionMetadata: SessionMetadata.optional(),
});
export type SessionListItem = z.infer<typeof SessionListItem>;

/**
 * What a message does to a turn that runs. `steer`: the turn takes it where the harness can fold it in, else it becomes
 * a turn of its own. `interrupt`: the turn stops, and the message is next. Without: it waits its turn.
 */
export const MessageMode = z.enum(["steer", "interrupt"]);
export type MessageMode = z.infer<typeof MessageMode>;

export const QueuedMessage = z.object({
  messageId: ClientId,
  content: z.string(),
  queuedAt: Timestamp,
  mode: MessageMode.optional(),
  attachments: Attachments.optional(),
  resultSchema: ResultSchema.optional(),
});
export type QueuedMessage = z.infer<typeof QueuedMessage>;

export const TurnStatus = z.enum(["completed", "interrupted", "failed"]);
export type TurnStatus = z.infer<typeof TurnStatus>;

export const TurnError = z.object({ code: z.string(), message: z.string() });
export type TurnError = z.infer<typeof TurnError>;

/** The running turn of a state; null while the agent is idle. */
export const TurnState = z.object({
  turnId: Id,
  messageIds: z.array(ClientId),
  startedAt: Timestamp,
  /** true: it waits for the answer to an ask, and has no sandbox. false: it did, and goes on. */
  deferred: z.boolean().optional(),
  /** What it is to result in. */
  resultSchema: ResultSchema.optional(),
});
export type TurnState = z.infer<typeof TurnState>;

/** How a turn ended. */
export const EndedTurn = z.object({
  turnId: Id,
  status: TurnStatus,
  error: TurnError.optional(),
  /** Where it was to result in something. */
  result: TurnResult.optional(),
});
export type EndedTurn = z.infer<typeof EndedTurn>;
