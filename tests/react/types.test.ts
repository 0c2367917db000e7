import type {
  AgentServiceProviderProps,
  ClientError,
  ConversationBlock,
  OptimisticMessage,
  SendOutcome,
  SessionListItem,
  SessionMetadata,
  SessionRuntimeState,
  SessionState,
  ShownBlock,
  SubagentState,
  UseAgentSession,
  UseEvents,
  UseMessages,
  UseSessionList,
  UseSubagents,
  UseWorkspaceFiles,
  WorkspaceFile,
} from "@hhopkins/agent-runtime-react";
import { expectTypeOf, test } from "vitest";

// The compiler runs these; a wrong one fails `npm run check -- tsc`.

test("the provider takes a server and one of two ways to say who asks", () => {
  expectTypeOf<{ apiUrl: string }>().toExtend<AgentServiceProviderProps>();
  expectTypeOf<{
    apiUrl: string;
    wsUrl: string;
    apiKey: string;
    debug: boolean;
  }>().toExtend<AgentServiceProviderProps>();
  expectTypeOf<{ apiUrl: string; getToken: () => Promise<string> }>().toExtend<AgentServiceProviderProps>();
  expectTypeOf<{ wsUrl: string }>().not.toExtend<AgentServiceProviderProps>();
  expectTypeOf<{ apiUrl: string; getToken: () => string }>().not.toExtend<AgentServiceProviderProps>();
});

test("useAgentSession", () => {
  expectTypeOf<UseAgentSession["session"]>().toExtend<Partial<SessionState> | undefined>();
  expectTypeOf<NonNullable<UseAgentSession["session"]>["sessionId"]>().toEqualTypeOf<string>();
  expectTypeOf<UseAgentSession["runtime"]>().toEqualTypeOf<SessionRuntimeState | undefined>();
  expectTypeOf<UseAgentSession["error"]>().toEqualTypeOf<ClientError | undefined>();
  expectTypeOf<ReturnType<UseAgentSession["createSession"]>>().toEqualTypeOf<Promise<string>>();
  expectTypeOf<UseAgentSession["createSession"]>().parameter(2).toExtend<{ name?: string | undefined } | undefined>();
  expectTypeOf<ReturnType<UseAgentSession["loadSession"]>>().toEqualTypeOf<Promise<SessionState>>();
  expectTypeOf<ReturnType<UseAgentSession["destroySession"]>>().toEqualTypeOf<Promise<void>>();
});

test("useMessages: blocks narrow by their type, and our own messages by `delivery`", () => {
  expectTypeOf<UseMessages["blocks"]>().toEqualTypeOf<readonly ShownBlock[]>();
  expectTypeOf<ConversationBlock>().toExtend<ShownBlock>();
  expectTypeOf<Extract<ShownBlock, { delivery: unknown }>>().toEqualTypeOf<OptimisticMessage>();
  const getBlocksByType = (() => []) as unknown as UseMessages["getBlocksByType"];
  expectTypeOf(getBlocksByType("tool_use")[0]?.toolName).toEqualTypeOf<string | undefined>();
  expectTypeOf<Parameters<UseMessages["getBlocksByType"]>[0]>().toEqualTypeOf<ConversationBlock["type"]>();
  expectTypeOf<ReturnType<UseMessages["sendMessage"]>>().toEqualTypeOf<Promise<SendOutcome>>();
  expectTypeOf<UseMessages["metadata"]>().toEqualTypeOf<SessionMetadata | undefined>();
});

test("the other hooks", () => {
  expectTypeOf<UseSessionList["sessions"]>().toEqualTypeOf<readonly SessionListItem[]>();
  expectTypeOf<ReturnType<UseWorkspaceFiles["getFile"]>>().toEqualTypeOf<WorkspaceFile | undefined>();
  expectTypeOf<ReturnType<UseSubagents["getSubagent"]>>().toEqualTypeOf<SubagentState | undefined>();
  expectTypeOf<UseEvents["events"][number]["seq"]>().toEqualTypeOf<number>();
});
