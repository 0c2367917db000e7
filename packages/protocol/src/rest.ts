import { z } from "zod";
import { AskAnswer } from "./asks.ts";
import { AttachmentInput, MAX_ATTACHMENTS } from "./attachments.ts";
import { ConversationBlock } from "./blocks.ts";
import { FileEntry, WorkspaceFileInput } from "./files.ts";
import { AgentProfile, AgentProfileListData } from "./profile.ts";
import { ClientId, JsonObject, Sha256, Timestamp, Id, Seq } from "./primitives.ts";
import { ResultSchema } from "./results.ts";
import { MessageMode, PersistedSessionListData, SessionListItem, SessionOptions, ForkOrigin } from "./session.ts";
import { SandboxGeneration, SandboxState, SessionRuntimeState } from "./runtime-state.ts";

/** Body of `POST /sessions/create`. */
export const CreateSessionBody = z.strictObject({
  agentProfileRef: z.string().min(1).max(200),
  architecture: z.string().min(1).max(100),
  sessionOptions: SessionOptions.optional(),
  defaultWorkspaceFiles: z.array(WorkspaceFileInput).max(1000).optional(),
  name: z.string().max(500).optional(),
  metadata: JsonObject.optional(),
});
export type CreateSessionBody = z.infer<typeof CreateSessionBody>;

/** 201 of `POST /sessions/create`. */
export const CreateSessionAnswer = PersistedSessionListData.extend({ runtime: SessionRuntimeState });
export type CreateSessionAnswer = z.infer<typeof CreateSessionAnswer>;

/** Body of `POST /sessions/:id/message`, as JSON; `multipart/form-data` has files in place of `attachments`. */
export const SendMessageBody = z.strictObject({
  content: z.string().min(1),
  messageId: ClientId.optional(),
  mode: MessageMode.optional(),
  attachments: z.array(AttachmentInput).max(MAX_ATTACHMENTS).optional(),
  /** The turn's result is to fit this; not with `mode: "steer"`. */
  resultSchema: ResultSchema.optional(),
});
export type SendMessageBody = z.infer<typeof SendMessageBody>;

/** 202 of `POST /sessions/:id/message`: the message is in the log, or kept for the server that runs the session. */
export const SendMessageAnswer = z.object({
  success: z.literal(true),
  sessionId: z.string(),
  messageId: ClientId,
  /** Place in the queue; absent when a turn can take it at once. */
  position: z.number().int().positive().optional(),
});
export type SendMessageAnswer = z.infer<typeof SendMessageAnswer>;

/** 200 of `POST /sessions/:id/asks/:askId/answer`: the answer is in the log, and reaches the agent whatever happens. */
export const ResolvedAsk = z.object({
  success: z.literal(true),
  sessionId: z.string(),
  askId: z.string(),
  answer: AskAnswer,
  /** The principal who gave it. */
  by: z.string(),
});
export type ResolvedAsk = z.infer<typeof ResolvedAsk>;

export const ListSessionsAnswer = z.object({
  sessions: z.array(SessionListItem),
  nextCursor: z.string().optional(),
});
export type ListSessionsAnswer = z.infer<typeof ListSessionsAnswer>;

export const ListProfilesAnswer = z.object({ profiles: z.array(AgentProfileListData) });
export type ListProfilesAnswer = z.infer<typeof ListProfilesAnswer>;

/** A profile, with names of secrets and never a value, and which content it is. */
export const AgentProfileAnswer = z.object({
  profile: AgentProfile,
  version: Sha256,
  /** Why it cannot be changed here, for people; absent: it can. */
  readOnly: z.string().optional(),
});
export type AgentProfileAnswer = z.infer<typeof AgentProfileAnswer>;

/** A page of blocks, oldest first. `before` is the cursor of the page that comes before; absent at the beginning. */
export const BlocksPage = z.object({ blocks: z.array(ConversationBlock), before: z.string().optional() });
export type BlocksPage = z.infer<typeof BlocksPage>;

export const ListFilesAnswer = z.object({ files: z.array(FileEntry) });
export type ListFilesAnswer = z.infer<typeof ListFilesAnswer>;

/** A place that a session's sandbox reached through the gateway, or was refused. Never what was said. */
export const NetworkUse = z.object({
  host: z.string(),
  port: z.number().int(),
  /** A tunnel, a plain request, or a request with a secret put in. */
  way: z.enum(["connect", "http", "hosts"]),
  allowed: z.boolean(),
  /** Why the last one was refused. */
  reason: z.string().optional(),
  requests: z.number().int().positive(),
  bytesSent: z.number().int().nonnegative(),
  bytesReceived: z.number().int().nonnegative(),
  firstAt: Timestamp,
  lastAt: Timestamp,
});
export type NetworkUse = z.infer<typeof NetworkUse>;

/** What a session's sandboxes may reach beside the model, and what they did reach since the server started. */
export const NetworkAnswer = z.object({ allowedHosts: z.array(z.string()), places: z.array(NetworkUse) });
export type NetworkAnswer = z.infer<typeof NetworkAnswer>;

/** The last lines that the runner in a session's sandbox wrote of its work, the oldest first. */
export const SandboxLog = z.object({
  lines: z.array(z.string()),
  /** Why there are none. */
  reason: z.string().optional(),
});
export type SandboxLog = z.infer<typeof SandboxLog>;

/** How a session's sandbox is, those that it had, the oldest first, and what the runner in it writes. */
export const SandboxAnswer = z.object({
  /** null before the first. */
  sandbox: SandboxState.nullable(),
  /** Where its sandbox runs, e.g. `local`; absent: it has none. */
  provider: z.string().optional(),
  /** The last 20, as in the state's `sandboxes`. */
  generations: z.array(SandboxGeneration),
  log: SandboxLog,
});
export type SandboxAnswer = z.infer<typeof SandboxAnswer>;

/** Body of `PATCH /sessions/:id/options`. */
export const UpdateOptionsBody = SessionOptions.extend({
  /** Moves the session to what its profile is now, from the next turn on. */
  profileVersion: z.literal("latest").optional(),
});
export type UpdateOptionsBody = z.infer<typeof UpdateOptionsBody>;

/** Turns' place before the first: the session as it was created. */
export const SESSION_START = "start";

/** Body of `POST /sessions/:id/fork`. What is absent is as the session had it at that turn's end. */
export const ForkSessionBody = z.strictObject({
  /** A turn that has ended, or `start`; absent: the one that ended last. */
  turnId: Id.optional(),
  name: z.string().max(500).optional(),
  metadata: JsonObject.optional(),
  /** Each stands in place of the one that the session had. */
  sessionOptions: SessionOptions.optional(),
});
export type ForkSessionBody = z.infer<typeof ForkSessionBody>;

/** 201 of `POST /sessions/:id/fork`. */
export const ForkSessionAnswer = CreateSessionAnswer.extend({ forkedFrom: ForkOrigin });
export type ForkSessionAnswer = z.infer<typeof ForkSessionAnswer>;

/** Body of `POST /sessions/:id/rewind`: a turn that has ended, or `start`. */
export const RewindSessionBody = z.strictObject({ turnId: Id });
export type RewindSessionBody = z.infer<typeof RewindSessionBody>;

/** 200 of `POST /sessions/:id/rewind`; `lastSeq`: the log's last event then. */
export const RewindSessionAnswer = z.object({ sessionId: Id, turnId: Id, lastSeq: Seq.positive() });
export type RewindSessionAnswer = z.infer<typeof RewindSessionAnswer>;

export const UpdateMessageBody = z.strictObject({ content: z.string().min(1) });

/** Default limits of the transports, in bytes; all are options. */
export const DEFAULT_LIMITS = {
  bodyBytes: 10 * 1024 * 1024,
  messageBytes: 1024 * 1024,
  frameBytes: 1024 * 1024,
  /** Of a session that is imported, unpacked. */
  archiveBytes: 4 * 1024 * 1024 * 1024,
} as const;
