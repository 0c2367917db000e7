/**
 * The wire between server and runner: newline-delimited JSON, one frame a line, over any byte stream.
 * The runner says hello first; the server attaches with the number up to which it has taken entries; then
 * entries flow one way, acks and commands the other. Nothing that a runner says is trusted: it may only be what
 * `RunnerFrame` allows, for its own session.
 */
import { z } from "zod";
import { AskAnswer, OpenedAsk } from "./asks.ts";
import { Attachments } from "./attachments.ts";
import { BlockUpdates, ConversationBlock, SubagentStatus } from "./blocks.ts";
import { FileEntry } from "./files.ts";
import { CalledHostTool, HostToolDefinition, HostToolResult } from "./host-tools.ts";
import { AgentProfile } from "./profile.ts";
import { ClientId, Id, Sha256, WorkspacePath } from "./primitives.ts";
import { ResultSchema, TurnResult } from "./results.ts";
import { SessionOptions, TurnError, TurnStatus } from "./session.ts";
import { Usage } from "./usage.ts";

export const WIRE_VERSION = 1;
/** Longest line, in bytes, that either side takes. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;
/** Bytes of a blob in one entry or command, before base64. */
export const BLOB_CHUNK_BYTES = 256 * 1024;
/** A file's content up to this many bytes of valid UTF-8 stands in its event. */
export const INLINE_FILE_BYTES = 64 * 1024;
/** Runner's deltas, contents and transcript lines above this many characters are split or cut by the runner. */
export const MAX_CONTENT_CHARS = 1024 * 1024;

const generation = z.number().int().positive();
const n = z.number().int().nonnegative();
const fence = z.number().int().positive();
const Base64 = z.string().max(Math.ceil(BLOB_CHUNK_BYTES / 3) * 4);
const conversationId = Id;

/** A numbered entry's body: what a runner may say. */
export const EntryBody = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("block:start"), conversationId, block: ConversationBlock }),
  z.object({ kind: z.literal("block:delta"), conversationId, blockId: Id, delta: z.string() }),
  z.object({ kind: z.literal("block:update"), conversationId, blockId: Id, updates: BlockUpdates }),
  /** `block.retracted` takes a block back. */
  z.object({ kind: z.literal("block:complete"), conversationId, block: ConversationBlock }),
  z.object({
    kind: z.literal("subagent:discovered"),
    subagentId: Id,
    name: z.string(),
    /** The conversation that called it. */
    parentId: Id.optional(),
    background: z.boolean().optional(),
  }),
  z.object({
    kind: z.literal("subagent:completed"),
    subagentId: Id,
    status: SubagentStatus,
    output: z.string().optional(),
  }),
  /** What this subagent alone has used since its last such entry; the entry `usage` counts it too. */
  z.object({
    kind: z.literal("subagent:usage"),
    subagentId: Id,
    usage: Usage,
    costUSD: z.number().nonnegative(),
  }),
  /** Bytes of a file to come, in order of offset; `total` is the blob's whole size. */
  z.object({ kind: z.literal("blob"), sha256: Sha256, offset: n, total: n, data: Base64 }),
  /** The path is new or has changed. `content`: small valid UTF-8; else the blob came before, unless `omitted`. */
  z.object({
    kind: z.literal("file:changed"),
    change: z.enum(["created", "modified"]),
    file: FileEntry.extend({ content: z.string().optional() }),
    /** Too large to be kept: only its metadata is known. */
    omitted: z.boolean().optional(),
  }),
  z.object({ kind: z.literal("file:deleted"), path: WorkspacePath }),
  /** Lines of the harness's own transcript, to be appended under `key`. */
  z.object({ kind: z.literal("transcript"), key: z.string().min(1).max(500), lines: z.array(z.string()) }),
  /** What was used since the last such entry. */
  z.object({
    kind: z.literal("usage"),
    usage: Usage,
    costUSD: z.number().nonnegative(),
    model: z.string().optional(),
  }),
  /** The harness is ready; with it this conversation can be resumed elsewhere. */
  z.object({ kind: z.literal("harness:ready"), nativeSessionId: z.string().max(200) }),
  /** The running turn has folded in a message that it was given by `steer`. */
  z.object({ kind: z.literal("message:taken"), turnId: Id, messageId: ClientId }),
  /** The agent asks a person, and waits for the command `answer`. */
  z.object({ kind: z.literal("ask:opened"), ask: OpenedAsk }),
  /** The agent does not want to know any more: its turn or its subagent was stopped, or its process died. */
  z.object({ kind: z.literal("ask:withdrawn"), askId: Id }),
  /** The turn waits for its asks outside of any process, after a command `defer`: `continue` goes on with it anywhere. */
  z.object({ kind: z.literal("turn:deferred"), turnId: Id }),
  /** The agent calls a tool of the application, and waits for the command `host-tool:result`. */
  z.object({ kind: z.literal("host-tool:called"), call: CalledHostTool }),
  /** It does not wait any more: the turn was stopped, its own time was over, or its process died. */
  z.object({ kind: z.literal("host-tool:cancelled"), callId: Id }),
  /** Follows the full scan after the turn; every entry of the turn has a lower number. */
  z.object({
    kind: z.literal("turn:ended"),
    turnId: Id,
    status: TurnStatus,
    usage: Usage,
    costUSD: z.number().nonnegative(),
    error: TurnError.optional(),
    /** What the agent gave, where its turn was to result in something. */
    result: TurnResult.optional(),
  }),
]);
export type EntryBody = z.infer<typeof EntryBody>;
export type EntryKind = EntryBody["kind"];

export const Entry = z.object({ type: z.literal("entry"), n: n.positive(), body: EntryBody });
export type Entry = z.infer<typeof Entry>;

export const RunnerFrame = z.discriminatedUnion("type", [
  /** First frame of a connection. Kept entries are `first`…`last` (`first` = `last` + 1 when none). */
  z.object({
    type: z.literal("hello"),
    version: z.number().int(),
    generation,
    first: n,
    last: n,
    fence: n,
    /** It was told `prepare-end`, and takes no turns any more. */
    ending: z.literal(true).optional(),
  }),
  Entry,
  /** Answer to a command; sent again when the same command comes again. */
  z.object({
    type: z.literal("reply"),
    id: Id,
    ok: z.boolean(),
    data: z.unknown().optional(),
    error: TurnError.optional(),
  }),
  z.object({ type: z.literal("pong"), id: Id }),
  /** The last frame: why the runner closes this connection. */
  z.object({
    type: z.literal("refused"),
    code: z.enum(["stale_fence", "replaced", "ending", "protocol_error"]),
    message: z.string(),
  }),
]);
export type RunnerFrame = z.infer<typeof RunnerFrame>;

/** What a runner needs to start its harness. Sent once per generation. */
export const StartCommand = z.object({
  kind: z.literal("start"),
  architecture: z.string(),
  profile: AgentProfile,
  options: SessionOptions,
  /** Resume this native session, whose transcript was put before. */
  resume: z.string().max(200).optional(),
  /** Rules of permissions that people allowed for the session (`Ask.rule`), in earlier sandboxes too. */
  allowedTools: z.array(z.string()).optional(),
  /** Tools of the application. */
  hostTools: z.array(HostToolDefinition).optional(),
  /** For a call of the slowest of them, in ms. */
  hostToolTimeoutMs: z.number().int().positive().optional(),
  /** Environment of the harness and its tools. */
  environment: z.record(z.string(), z.string()),
  /** Names of folders that are not tracked, at any depth. */
  ignore: z.array(z.string()),
  /** Files above this many bytes are listed without their bytes. */
  maxFileBytes: z.number().int().positive(),
});
export type StartCommand = z.infer<typeof StartCommand>;

/** A manifest's digest: see `manifestHash` in `manifest.ts`. */
export const SyncReport = z.object({ last: n, count: n, manifest: Sha256 });
export type SyncReport = z.infer<typeof SyncReport>;

/** `taken`: the turn has the message, or is about to; else it does not get it any more. */
export const UnsteerReport = z.object({ taken: z.boolean() });
export type UnsteerReport = z.infer<typeof UnsteerReport>;

/** `stopped`: it ran, and was told to stop; else it had ended. */
export const StopReport = z.object({ stopped: z.boolean() });
export type StopReport = z.infer<typeof StopReport>;

/** Not deferred: the turn waits for nobody, or for what cannot wait elsewhere. `reason` says which. */
export const DeferReport = z.object({ deferred: z.boolean(), reason: z.string().optional() });
export type DeferReport = z.infer<typeof DeferReport>;

/**
 * Why a file was not written or removed: the runner takes nothing any more, there is no such file, a folder or a symlink has
 * its name, a part of its path is a file or a symlink, or the agent took away the right to.
 */
export const FileRefusal = z.enum(["ending", "missing", "folder", "symlink", "below_file", "below_symlink", "denied"]);
export type FileRefusal = z.infer<typeof FileRefusal>;

/** `last`: the newest entry, once the change was told; `refused`: nothing was changed. */
export const FileReport = z.object({ last: n, refused: FileRefusal.optional() });
export type FileReport = z.infer<typeof FileReport>;

/** A page of the files that the runner knows, by path in order of code units. */
export const FileList = z.object({ files: z.array(FileEntry), more: z.boolean() });
export type FileList = z.infer<typeof FileList>;

/** A message as a turn gets it; the bytes of its attachments were put before. */
export const TurnMessage = z.object({ messageId: ClientId, content: z.string(), attachments: Attachments.optional() });
export type TurnMessage = z.infer<typeof TurnMessage>;

export const CommandBody = z.discriminatedUnion("kind", [
  /** Puts bytes of a file into the workspace before the start; known from then on, so no event follows. */
  z.object({
    kind: z.literal("file:put"),
    file: FileEntry,
    offset: n,
    data: Base64,
    last: z.boolean(),
  }),
  /**
   * Bytes of a file that a person gives, in order of offset, after the start. With the last of them it is in the workspace, and
   * told as any change there is. The reply is a `FileReport`.
   */
  z.object({ kind: z.literal("file:write"), file: FileEntry, offset: n, data: Base64, last: z.boolean() }),
  /** Removes a file, a symlink or an empty folder; the reply is a `FileReport`. */
  z.object({ kind: z.literal("file:remove"), path: WorkspacePath }),
  z.object({ kind: z.literal("transcript:put"), key: z.string().min(1).max(500), lines: z.array(z.string()) }),
  StartCommand,
  /** Bytes of what the next message comes with, in order of offset. Kept until a turn ends. */
  z.object({ kind: z.literal("attachment:put"), sha256: Sha256, offset: n, total: n, data: Base64 }),
  /** Starts a turn; taken once by its command id. Its end is the entry `turn:ended`. */
  z.object({
    kind: z.literal("message"),
    turnId: Id,
    messages: z.array(TurnMessage).min(1),
    /** What it is to result in. */
    resultSchema: ResultSchema.optional(),
  }),
  /**
   * Stops the running turn; a harness that has not stopped after `graceMs` is killed. `failure`: it ends as failed with
   * this error instead of as interrupted. Overtakes what waits.
   */
  z.object({
    kind: z.literal("interrupt"),
    turnId: Id,
    failure: TurnError.optional(),
    graceMs: z.number().int().positive().optional(),
  }),
  /** Stops one subagent; its caller goes on. The reply is a `StopReport`. Overtakes what waits. */
  z.object({ kind: z.literal("stop-subagent"), turnId: Id, subagentId: Id }),
  /** Offers a message to the running turn, which may take it (`message:taken`) until it ends. */
  TurnMessage.extend({ kind: z.literal("steer"), turnId: Id }),
  /** Takes the offer back; the reply is an `UnsteerReport`. */
  z.object({ kind: z.literal("unsteer"), turnId: Id, messageId: ClientId }),
  z.object({ kind: z.literal("options"), options: SessionOptions }),
  /** Answers an ask. One that is not open any more, or was answered, is left as it is. */
  z.object({ kind: z.literal("answer"), askId: Id, answer: AskAnswer }),
  /** The sandbox is to end while the turn waits for asks. The reply is a `DeferReport`; the entry `turn:deferred` follows. */
  z.object({ kind: z.literal("defer"), turnId: Id }),
  /** Goes on with a turn that was deferred, in a sandbox that has its transcript. `answer`: what was answered meanwhile. */
  z.object({
    kind: z.literal("continue"),
    turnId: Id,
    asks: z.array(z.object({ ask: OpenedAsk, answer: AskAnswer.optional() })).min(1),
    /** What the turn is to result in. */
    resultSchema: ResultSchema.optional(),
  }),
  /** What a call of a host tool came to. One that nobody waits for any more is left as it is. */
  z.object({ kind: z.literal("host-tool:result"), callId: Id, result: HostToolResult }),
  /** Full scan; the reply is a `SyncReport`. */
  z.object({ kind: z.literal("sync") }),
  /** Sends the bytes of these blobs once more, as far as a file still has them: what was kept of them was wrong. */
  z.object({ kind: z.literal("resend"), blobs: z.array(Sha256).min(1).max(1000) }),
  /** What the last sync found, from after a path on; the reply is a `FileList`. */
  z.object({ kind: z.literal("list"), after: WorkspacePath.optional() }),
  /** As `sync`; and from now on the runner takes no turns and, with its reply out, refuses to be attached to. */
  z.object({ kind: z.literal("prepare-end") }),
]);
export type CommandBody = z.infer<typeof CommandBody>;

export const ToRunnerFrame = z.discriminatedUnion("type", [
  /** Second frame of a connection: the entries up to `after` are saved, send what follows. */
  z.object({
    type: z.literal("attach"),
    version: z.number().int(),
    generation,
    fence,
    after: n,
    /** The server says something at least so often, in ms: one that is silent for longer is dialled anew. */
    silenceMs: z.number().int().positive().optional(),
    /** What streams through its gateway goes on without it. */
    gatewayOutlives: z.boolean().optional(),
  }),
  z.object({ type: z.literal("ack"), n }),
  z.object({ type: z.literal("command"), id: Id, fence, command: CommandBody }),
  z.object({ type: z.literal("ping"), id: Id }),
]);
export type ToRunnerFrame = z.infer<typeof ToRunnerFrame>;
