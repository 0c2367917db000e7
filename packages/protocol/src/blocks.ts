import { z } from "zod";
import { Attachments } from "./attachments.ts";
import { Id, JsonObject, Timestamp } from "./primitives.ts";

const common = {
  /** Stable: the same in the live stream, after reload, after replay. */
  id: Id,
  timestamp: Timestamp,
  /** The block's text was cut for the state; `GET /sessions/:id/blocks` has the whole. */
  truncated: z.boolean().optional(),
  /** The harness took the block back; such a block is not in the state. */
  retracted: z.boolean().optional(),
};

export const UserMessageBlock = z.object({
  type: z.literal("user_message"),
  ...common,
  content: z.string(),
  attachments: Attachments.optional(),
});
export const AssistantTextBlock = z.object({ type: z.literal("assistant_text"), ...common, content: z.string() });
export const ThinkingBlock = z.object({ type: z.literal("thinking"), ...common, content: z.string() });

export const ToolStatus = z.enum(["pending", "running", "success", "error"]);
export const ToolUseBlock = z.object({
  type: z.literal("tool_use"),
  ...common,
  toolName: z.string(),
  toolUseId: Id,
  input: JsonObject,
  /** Raw JSON of an input that is still being written; gone when the block is complete. */
  partialInput: z.string().optional(),
  status: ToolStatus,
  /** The last that a tool of the application said of how far it is. */
  progress: z.string().optional(),
});

export const ToolResultBlock = z.object({
  type: z.literal("tool_result"),
  ...common,
  toolUseId: Id,
  content: z.string(),
  isError: z.boolean().optional(),
  /** Milliseconds from the start of the tool's run to its result, as the runner saw them. */
  durationMs: z.number().nonnegative().optional(),
});

export const SystemBlock = z.object({
  type: z.literal("system"),
  ...common,
  content: z.string(),
  subtype: z.string().optional(),
});

export const SubagentStatus = z.enum(["running", "completed", "failed", "stopped"]);
export type SubagentStatus = z.infer<typeof SubagentStatus>;
export const SubagentBlock = z.object({
  type: z.literal("subagent"),
  ...common,
  subagentId: Id,
  name: z.string(),
  status: SubagentStatus,
  input: z.string().optional(),
  output: z.string().optional(),
});

export const ErrorBlock = z.object({
  type: z.literal("error"),
  ...common,
  /** What went wrong and what to do about it. */
  message: z.string(),
  code: z.string().optional(),
});

/** One typed piece of a conversation. */
export const ConversationBlock = z.discriminatedUnion("type", [
  UserMessageBlock,
  AssistantTextBlock,
  ThinkingBlock,
  ToolUseBlock,
  ToolResultBlock,
  SystemBlock,
  SubagentBlock,
  ErrorBlock,
]);
export type ConversationBlock = z.infer<typeof ConversationBlock>;
export type BlockType = ConversationBlock["type"];
export type UserMessageBlock = z.infer<typeof UserMessageBlock>;
export type AssistantTextBlock = z.infer<typeof AssistantTextBlock>;
export type ThinkingBlock = z.infer<typeof ThinkingBlock>;
export type ToolUseBlock = z.infer<typeof ToolUseBlock>;
export type ToolResultBlock = z.infer<typeof ToolResultBlock>;
export type SystemBlock = z.infer<typeof SystemBlock>;
export type SubagentBlock = z.infer<typeof SubagentBlock>;
export type ErrorBlock = z.infer<typeof ErrorBlock>;

/** Fields that `session:block:update` may change: anything but identity. */
export const BlockUpdates = z
  .object({
    content: z.string(),
    input: JsonObject,
    status: z.string(),
    isError: z.boolean(),
    durationMs: z.number().nonnegative(),
    output: z.string(),
    progress: z.string(),
    message: z.string(),
    code: z.string(),
    truncated: z.boolean(),
  })
  .partial();
export type BlockUpdates = z.infer<typeof BlockUpdates>;

// In a file of its own, as `no-usage.ts`: the reducer runs in browsers, which need no schemas.
export { MAIN_CONVERSATION } from "./main-conversation.ts";
