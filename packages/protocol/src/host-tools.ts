import { z } from "zod";
import { MAIN_CONVERSATION } from "./blocks.ts";
import { Id, JsonObject, Timestamp } from "./primitives.ts";

/** Bounds of host tools, which hold on both sides of the runner's wire. */
export const HOST_TOOL_LIMITS = {
  /** Bytes of a call's input, as JSON. */
  input: 256 * 1024,
  /** Bytes of what a call answers. */
  result: 256 * 1024,
  /** Bytes of all tools' names, descriptions and schemas, as JSON. */
  definitions: 512 * 1024,
  /** Calls of one session that wait for their result at once. */
  calls: 16,
  /** Characters of what a call says of its progress. */
  progress: 1000,
} as const;

/** The MCP server as which the agent has them: its tools are `mcp__host__NAME`. */
export const HOST_TOOL_SERVER = "host";

/** Name of a host tool. */
export const HostToolName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1–64 of A-Z a-z 0-9 _ -, without the mcp__host__ before it");

/** A host tool as the agent is told of it. */
export const HostToolDefinition = z.object({
  name: HostToolName,
  description: z.string(),
  /** JSON Schema of an object. */
  inputSchema: JsonObject,
});
export type HostToolDefinition = z.infer<typeof HostToolDefinition>;

const callId = Id.max(100);

/** A call as the runner tells of it. */
export const CalledHostTool = z.object({
  callId,
  toolName: HostToolName,
  /** `"main"`, or the subagent that calls. */
  conversationId: z.string().default(MAIN_CONVERSATION),
  /** The `tool_use` block's. */
  toolUseId: Id.optional(),
  input: JsonObject,
});
export type CalledHostTool = z.infer<typeof CalledHostTool>;

/**
 * How a call ended. `error`: the tool failed, or its input or its result was not good. `timeout`: it did not answer in
 * time. `cancelled`: its turn ended before. `unknown`: the server ended while it ran, and nobody knows what it has done.
 */
export const HostToolStatus = z.enum(["success", "error", "timeout", "cancelled", "unknown"]);
export type HostToolStatus = z.infer<typeof HostToolStatus>;

/** What the agent is told. */
export const HostToolResult = z.object({ status: HostToolStatus, content: z.string() });
export type HostToolResult = z.infer<typeof HostToolResult>;

/** A call whose result the agent does not have yet. */
export const HostToolCall = CalledHostTool.omit({ input: true }).extend({
  calledAt: Timestamp,
  /** Number of its `session:host-tool:called`, which has the input. */
  calledSeq: z.number().int().positive(),
  /** Number of its `session:host-tool:completed`, once it is there. */
  completedSeq: z.number().int().positive().optional(),
});
export type HostToolCall = z.infer<typeof HostToolCall>;
