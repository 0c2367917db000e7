export type { AgentService } from "./agent-service.ts";
export type { ReceivedEvent } from "./event-log.ts";
export { AgentServiceProvider, useAgentService, type AgentServiceProviderProps } from "./provider.ts";
export {
  useAgentSession,
  type CreateSessionOptions,
  type SessionInfo,
  type UseAgentSession,
} from "./use-agent-session.ts";
export { SessionStateProvider, type SessionStateProviderProps } from "./session-state-provider.ts";
export { useAsks, type UseAsks } from "./use-asks.ts";
export { useConnection, type UseConnection } from "./use-connection.ts";
export { useEvents, type UseEvents } from "./use-events.ts";
export {
  useBlock,
  useBlockIds,
  useMessages,
  useOlder,
  type ConversationOptions,
  type UseBlock,
  type UseMessages,
  type UseOlder,
} from "./use-messages.ts";
export { useQueue, type UseQueue } from "./use-queue.ts";
export { useSessionList, type UseSessionList } from "./use-session-list.ts";
export { shallowEqual, useSessionSelector, useSessionStore } from "./use-session-selector.ts";
export { useSubagents, type UseSubagents } from "./use-subagents.ts";
export { useSuspenseSession } from "./use-suspense-session.ts";
export { useTurn, type UseTurn } from "./use-turn.ts";
export { useWorkspaceFiles, type UseWorkspaceFiles } from "./use-workspace-files.ts";
export { BlockList, type BlockListProps } from "./parts/block-list.ts";
export { fileTree, type FileNode } from "./parts/file-tree.ts";
export {
  pairToolCalls,
  useConversationItem,
  useConversationItemIds,
  useConversationItems,
  type BlockItem,
  type ConversationItem,
  type ToolCallItem,
  type UseConversationItem,
} from "./parts/tool-calls.ts";
export { useApproval, type UseApproval } from "./parts/use-approval.ts";
export { useAutoScroll, type UseAutoScroll } from "./parts/use-auto-scroll.ts";
export { useComposer, type UseComposer } from "./parts/use-composer.ts";
export { useFileTree, type FileContent, type UseFileTree } from "./parts/use-file-tree.ts";
// What the hooks speak of.
export {
  ClientError,
  type Delivery,
  type FilesAt,
  type OptimisticMessage,
  type SendMessageOptions,
  type SendOutcome,
  type SessionSnapshot,
  type SessionStore,
  type ShownBlock,
} from "@hhopkins/agent-runtime-client";
export type {
  Ask,
  AskAnswer,
  ConversationBlock,
  EndedTurn,
  QueuedMessage,
  SessionListItem,
  SessionMetadata,
  SessionRuntimeState,
  SessionState,
  SubagentState,
  TurnState,
  WorkspaceFile,
} from "@hhopkins/agent-runtime-protocol";
