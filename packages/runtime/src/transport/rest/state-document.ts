import {
  Ask,
  ConversationBlock,
  EndedTurn,
  ForkOrigin,
  HostToolCall,
  QueuedMessage,
  SandboxGeneration,
  SessionListItem,
  SessionMetadata,
  Sha256,
  SubagentStatus,
  TurnState,
  Usage,
  WorkspaceFile,
  type SessionState,
  type SubagentState,
} from "@hhopkins/agent-runtime-protocol";
import { z } from "@hono/zod-openapi";

const conversation = { blocks: z.array(ConversationBlock), blocksBefore: z.string().optional() };

const Subagent = z.object({
  id: z.string(),
  name: z.string(),
  status: SubagentStatus,
  output: z.string().optional(),
  parentId: z.string().optional(),
  background: z.boolean().optional(),
  usage: Usage.optional(),
  costUSD: z.number().optional(),
  ...conversation,
} satisfies Record<keyof SubagentState, z.ZodType>);

const { activity: _activity, ...listed } = SessionListItem.shape;

/** The state in the OpenAPI document. What makes it is the reducer; a field that it does not have here is a type error. */
export const SessionStateDocument = z.object({
  ...listed,
  ...conversation,
  subagents: z.array(Subagent),
  workspaceFiles: z.array(WorkspaceFile),
  sandboxes: z.array(SandboxGeneration).optional(),
  profileVersion: Sha256.optional(),
  forkedFrom: ForkOrigin.optional(),
  sessionMetadata: SessionMetadata,
  queue: z.array(QueuedMessage),
  asks: z.array(Ask),
  hostToolCalls: z.array(HostToolCall).optional(),
  allowedTools: z.array(z.string()).optional(),
  turn: TurnState.nullable(),
  lastTurn: EndedTurn.optional(),
  streamingBlockIds: z.array(z.string()),
  logId: z.string(),
  lastSeq: z.number().int(),
} satisfies Record<keyof SessionState, z.ZodType>);
