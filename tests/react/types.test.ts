import type {
  AgentServiceProviderProps,
  Ask,
  AskAnswer,
  ClientError,
  ConversationBlock,
  ConversationItem,
  EndedTurn,
  OptimisticMessage,
  QueuedMessage,
  SendOutcome,
  SessionInfo,
  SessionListItem,
  SessionMetadata,
  SessionRuntimeState,
  SessionState,
  ShownBlock,
  SubagentState,
  TurnState,
  UseAgentSession,
  UseApproval,
  UseAsks,
  UseComposer,
  UseConnection,
  UseEvents,
  UseFileTree,
  UseMessages,
  UseQueue,
  UseSessionList,
  UseSubagents,
  UseTurn,
  UseWorkspaceFiles,
  useSuspenseSession,
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

test("lists, files, subagents", () => {
  expectTypeOf<UseSessionList["sessions"]>().toEqualTypeOf<readonly SessionListItem[]>();
  expectTypeOf<ReturnType<UseWorkspaceFiles["getFile"]>>().toEqualTypeOf<WorkspaceFile | undefined>();
  expectTypeOf<ReturnType<UseWorkspaceFiles["readFile"]>>().toEqualTypeOf<Promise<Uint8Array>>();
  expectTypeOf<ReturnType<UseSubagents["getSubagent"]>>().toEqualTypeOf<SubagentState | undefined>();
});

test("asks, queue, turn, connection", () => {
  expectTypeOf<UseAsks["asks"]>().toEqualTypeOf<readonly Ask[]>();
  expectTypeOf<UseAsks["answerAsk"]>().parameters.toEqualTypeOf<[string, AskAnswer]>();
  // What belongs to one answer is refused with another.
  expectTypeOf<{ decision: "deny"; reason: string }>().toExtend<AskAnswer>();
  expectTypeOf<{ decision: "maybe" }>().not.toExtend<AskAnswer>();
  expectTypeOf<UseQueue["queue"]>().toEqualTypeOf<readonly QueuedMessage[]>();
  expectTypeOf<UseTurn["turn"]>().toEqualTypeOf<TurnState | undefined>();
  expectTypeOf<UseTurn["lastTurn"]>().toEqualTypeOf<EndedTurn | undefined>();
  expectTypeOf<UseConnection["status"]>().toEqualTypeOf<
    "connecting" | "live" | "reconnecting" | "stopped" | "failed" | "idle"
  >();
});

test("events narrow by their type, and may have types of a newer server", () => {
  type Received = UseEvents["events"][number];
  expectTypeOf<Received["seq"]>().toEqualTypeOf<number>();
  expectTypeOf<Extract<Received, { type: "session:block:delta" }>["data"]["delta"]>().toEqualTypeOf<string>();
  expectTypeOf<Received["from"]>().toEqualTypeOf<number | undefined>();
});

test("useSuspenseSession has its session; without an id it is none", () => {
  expectTypeOf<ReturnType<typeof useSuspenseSession>>().toEqualTypeOf<SessionInfo>();
  expectTypeOf<Parameters<typeof useSuspenseSession>>().toEqualTypeOf<[string]>();
});

test("the parts", () => {
  expectTypeOf<UseComposer["inputProps"]["value"]>().toEqualTypeOf<string>();
  expectTypeOf<ReturnType<UseComposer["send"]>>().toEqualTypeOf<Promise<SendOutcome | undefined>>();
  expectTypeOf<Parameters<UseApproval["deny"]>>().toEqualTypeOf<[reason?: string]>();
  expectTypeOf<Parameters<UseApproval["allow"]>[0]>().not.toExtend<{ decision: string } | undefined>();
  expectTypeOf<UseFileTree["content"]["bytes"]>().toEqualTypeOf<Uint8Array | undefined>();
  expectTypeOf<ConversationItem["kind"]>().toEqualTypeOf<"tool" | "block">();
});
