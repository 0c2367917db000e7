import type {
  AgentClient,
  AgentClientOptions,
  ClientError,
  ConnectionStatus,
  FollowHandlers,
  LiveEvent,
  OptimisticMessage,
  SendOutcome,
  SessionListSnapshot,
  SessionSnapshot,
  SessionStore,
  SessionStoreOptions,
} from "@hhopkins/agent-runtime-client";
import type { ConversationBlock, SessionListItem, SessionState } from "@hhopkins/agent-runtime-protocol";
import { expectTypeOf, test } from "vitest";

// The compiler runs these; a wrong one fails `npm run check -- tsc`.

test("a client takes a server, and a key or a way to tokens", () => {
  expectTypeOf<{ baseUrl: string }>().toExtend<AgentClientOptions>();
  expectTypeOf<{ baseUrl: string; apiKey: string }>().toExtend<AgentClientOptions>();
  expectTypeOf<{ baseUrl: string; getToken: () => Promise<string> }>().toExtend<AgentClientOptions>();
  expectTypeOf<{ baseUrl: string; getToken: (refused?: string) => Promise<string> }>().toExtend<AgentClientOptions>();
  expectTypeOf<{ apiKey: string }>().not.toExtend<AgentClientOptions>();
  expectTypeOf<{ baseUrl: string; getToken: () => string }>().not.toExtend<AgentClientOptions>();
});

test("events narrow by their type, wherever they come from", () => {
  expectTypeOf<Parameters<NonNullable<FollowHandlers["onEvent"]>>>().toEqualTypeOf<[LiveEvent]>();
  expectTypeOf<ReturnType<AgentClient["readEvents"]>>().toEqualTypeOf<AsyncIterable<readonly LiveEvent[]>>();
  expectTypeOf<
    Extract<LiveEvent, { type: "session:block:start" }>["data"]["block"]
  >().toEqualTypeOf<ConversationBlock>();
  expectTypeOf<LiveEvent["from"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Parameters<NonNullable<SessionStoreOptions["onEvent"]>>>().toEqualTypeOf<[string, LiveEvent]>();
});

test("a store has the server's state, and says what it does not know yet", () => {
  expectTypeOf<ReturnType<SessionStore["getSnapshot"]>>().toEqualTypeOf<SessionSnapshot>();
  expectTypeOf<SessionSnapshot["state"]>().toEqualTypeOf<SessionState | undefined>();
  expectTypeOf<SessionSnapshot["connection"]>().toEqualTypeOf<ConnectionStatus | "idle">();
  expectTypeOf<SessionSnapshot["error"]>().toEqualTypeOf<ClientError | undefined>();
  expectTypeOf<OptimisticMessage["delivery"]>().toEqualTypeOf<"sending" | "queued" | "failed">();
  expectTypeOf<ReturnType<SessionStore["sendMessage"]>>().toEqualTypeOf<Promise<SendOutcome>>();
  expectTypeOf<ReturnType<SessionStore["load"]>>().toEqualTypeOf<Promise<SessionState>>();
  expectTypeOf<SessionListSnapshot["sessions"]>().toEqualTypeOf<readonly SessionListItem[]>();
});

test("nothing of a snapshot can be written to", () => {
  expectTypeOf<SessionSnapshot>().toEqualTypeOf<Readonly<SessionSnapshot>>();
  expectTypeOf<SessionSnapshot["pending"]>().toEqualTypeOf<readonly OptimisticMessage[]>();
});
