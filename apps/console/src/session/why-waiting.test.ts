import { ClientError, type SessionSnapshot } from "@hhopkins/agent-runtime-client";
import { initialState, type Ask, type ConversationBlock, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { whyWaiting, type Waiting, type WaitingContext } from "./why-waiting.ts";

const NOW = Date.parse("2026-01-01T12:00:00.000Z");
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();
const turn = { turnId: "t", messageIds: ["m"], startedAt: ago(60) };
const sandbox = { status: "ready", restartCount: 0, lastHealthCheck: ago(50) } as const;
const ready = { isLoaded: true, sandbox };
const ask: Ask = { askId: "a", conversationId: "main", kind: "permission", prompt: "?", openedAt: ago(30) };
const said = (content: string, seconds: number, subtype: string): ConversationBlock => ({
  type: "system",
  id: subtype,
  timestamp: ago(seconds),
  content,
  subtype,
});
const call = (seconds: number, more: Partial<Extract<ConversationBlock, { type: "tool_use" }>> = {}) =>
  ({
    type: "tool_use",
    id: "b",
    timestamp: ago(seconds),
    toolName: "Bash",
    toolUseId: "c",
    input: {},
    status: "running",
    ...more,
  }) as const;
const words = (seconds: number): ConversationBlock => ({
  type: "assistant_text",
  id: "w",
  timestamp: ago(seconds),
  content: "hi",
});
const hostTool = { callId: "h", toolName: "weather", conversationId: "main", calledAt: ago(4), calledSeq: 7 };
const queued = { messageId: "q", content: "next", queuedAt: ago(3) };
const subagent = { id: "s", name: "Helper", status: "running", blocks: [words(40)] } as const;
const inSandbox = (more: object): Partial<SessionState> => ({
  turn,
  runtime: { isLoaded: true, sandbox: { ...sandbox, ...more } },
});
const own = (delivery: "sending" | "failed", seconds: number): SessionSnapshot["pending"][number] => ({
  type: "user_message",
  id: "m",
  timestamp: ago(seconds),
  content: "x",
  delivery,
});

interface Case {
  readonly state?: Partial<SessionState>;
  readonly snapshot?: Partial<SessionSnapshot>;
  readonly context?: WaitingContext;
  readonly kind?: Waiting["kind"];
  readonly text?: RegExp;
  readonly has?: Partial<Waiting>;
}

const cases: Record<string, Case> = {
  "nothing was done yet": {},
  "it is at rest, with its sandbox": { state: { runtime: ready } },
  "the line is cut": {
    snapshot: { connection: "reconnecting" },
    kind: "connection",
    text: /line to the server is cut/,
    has: { tone: "bad", action: { type: "wake" } },
  },
  "the line is cut, and the server is away when one begins anew": {
    snapshot: { connection: "connecting", error: new ClientError("unreachable", "fetch failed") },
    kind: "connection",
  },
  "the line is made for the first time": { snapshot: { connection: "connecting" } },
  "nothing can be saved": {
    state: { turn },
    snapshot: { error: new ClientError("persistence_unavailable", "disk full") },
    kind: "persistence",
    text: /cannot save.*disk full/,
  },
  "a turn was asked to stop": {
    state: { turn, asks: [ask] },
    context: { interruptedTurnId: "t" },
    kind: "interrupting",
    text: /being stopped/,
  },
  "an earlier turn was asked to stop": {
    state: { turn, blocks: [words(1)] },
    context: { interruptedTurnId: "before" },
  },
  "an ask that expires": {
    state: { turn, asks: [{ ...ask, expiresAt: ago(-60) }] },
    kind: "ask",
    text: /^The agent waits for a permission\.$/,
    has: { since: ago(30), until: ago(-60), action: { type: "ask", askId: "a" } },
  },
  "a subagent's question, and others": {
    state: {
      turn,
      subagents: [subagent],
      asks: [
        { ...ask, kind: "question", conversationId: "s" },
        { ...ask, askId: "b" },
      ],
    },
    kind: "ask",
    text: /^The subagent Helper waits for an answer\. 1 more wait\.$/,
  },
  "a plan, with the turn put off": {
    state: { turn: { ...turn, deferred: true }, asks: [{ ...ask, kind: "plan" }] },
    kind: "ask",
    text: /its plan to be approved\. Its sandbox sleeps/,
  },
  "an elicitation": { state: { turn, asks: [{ ...ask, kind: "elicitation" }] }, kind: "ask", text: /MCP server/ },
  "a turn that was put off, and answered": {
    state: { turn: { ...turn, deferred: true } },
    kind: "deferred",
    text: /put off/,
  },
  "a place in the line for a sandbox": {
    state: inSandbox({ status: "pending", statusMessage: "Waiting for a free sandbox, place 3 in the line." }),
    kind: "sandbox",
    text: /place 3/,
    has: { action: { type: "sandbox" }, since: ago(50) },
  },
  "a sandbox that has nothing to say yet": {
    state: inSandbox({ status: "pending" }),
    text: /free sandbox/,
    kind: "sandbox",
  },
  "what the profile wants is installed": {
    state: inSandbox({ status: "starting", statusMessage: "Installing npm packages: left-pad" }),
    kind: "sandbox",
    text: /^Installing npm/,
  },
  "a sandbox that is started again": {
    state: inSandbox({ status: "starting", restartCount: 2 }),
    kind: "sandbox",
    text: /starting\. It is the session's sandbox number 3/,
  },
  "a sandbox out of reach": {
    state: inSandbox({ status: "unhealthy", statusMessage: "No word for 30 s." }),
    kind: "sandbox",
    text: /cannot be reached.*No word/,
    has: { tone: "warn" },
  },
  "a sandbox that ended in a turn": {
    state: inSandbox({ status: "terminated" }),
    kind: "sandbox",
    text: /another one/,
  },
  "a sandbox that is gone in a turn": {
    state: inSandbox({ status: "error", statusMessage: "It was killed." }),
    kind: "sandbox",
    text: /gone.*killed/,
    has: { tone: "bad" },
  },
  "a tool of the application": {
    state: { turn, runtime: ready, hostToolCalls: [hostTool] },
    kind: "host-tool",
    text: /weather/,
    has: { since: ago(4), action: { type: "stop" } },
  },
  "a tool of the application that has answered": {
    state: { turn, blocks: [words(1)], hostToolCalls: [{ ...hostTool, completedSeq: 9 }] },
  },
  "the provider is tried again": {
    state: {
      turn,
      blocks: [said("Overloaded. The agent tries again in 4 s (2 of at most 10).", 9, "api_retry"), words(8)],
    },
    kind: "notice",
    text: /tries again in 4 s/,
  },
  "the provider was tried again, and answered": {
    state: { turn, blocks: [said("Overloaded. The agent tried again, and it answered.", 9, "api_retry"), words(8)] },
  },
  "a retry of an earlier turn": {
    state: { turn, blocks: [said("The agent tries again.", 90, "api_retry"), words(8)] },
  },
  "a limit of the account": {
    state: { turn, blocks: [said("The limit of the model's account is reached.", 9, "rate_limit")] },
    kind: "notice",
    text: /limit of the model's account/,
  },
  "a limit that was near, and the model goes on": {
    state: { turn, blocks: [said("The limit of the model's account is near.", 9, "rate_limit"), words(8)] },
  },
  "a tool that has just begun": { state: { turn, blocks: [call(2)] } },
  "a tool that takes long": {
    state: { turn, blocks: [call(20), call(15, { id: "d", toolName: "Read", toolUseId: "e" })] },
    context: { heardAt: NOW },
    kind: "tool",
    text: /^The tool Bash is running\. 1 more run beside it\.$/,
    has: { since: ago(20), action: { type: "stop" } },
  },
  "a tool that says how far it is": {
    state: { turn, blocks: [call(20, { progress: "40 %" })] },
    kind: "tool",
    text: /40 %/,
  },
  "a tool of a subagent, in place of the call of the subagent": {
    state: {
      turn,
      blocks: [call(50, { toolName: "Agent", toolUseId: "s" })],
      subagents: [{ ...subagent, blocks: [call(20, { toolName: "Grep" })] }],
    },
    kind: "tool",
    text: /^The tool Grep is running\.$/,
  },
  "a subagent in the background": {
    state: { turn, subagents: [subagent] },
    kind: "subagent",
    text: /^A subagent is at work: Helper\.$/,
    has: { since: ago(40) },
  },
  "the model says nothing": {
    state: { turn, blocks: [words(25)] },
    kind: "silent",
    has: { since: ago(25), action: { type: "stop" } },
  },
  "the model says something into its last block": {
    state: { turn, blocks: [words(25)] },
    context: { heardAt: NOW - 1000 },
  },
  "messages behind a turn that moves": {
    state: { turn, blocks: [words(1)], queue: [queued, { ...queued, messageId: "r" }] },
    kind: "queued",
    text: /^2 messages wait until this turn has ended\.$/,
    has: { since: ago(3) },
  },
  "a message before its turn": {
    state: { queue: [queued] },
    kind: "queued",
    text: /^A message waits for a turn to begin\.$/,
  },
  "a message that the server has not confirmed": { snapshot: { pending: [own("sending", 5)] }, kind: "sending" },
  "a message that was sent just now, and one that failed": {
    snapshot: { pending: [own("sending", 1), own("failed", 60)] },
  },
  "a limit has ended the last turn": {
    state: {
      runtime: ready,
      lastTurn: {
        turnId: "t",
        status: "failed",
        error: { code: "turn_limit", message: "It made 3 steps, the most that it may." },
      },
    },
    kind: "limits",
    text: /stopped.*3 steps/,
  },
  "no sandbox, and no turn": {
    state: { runtime: { isLoaded: true, sandbox: { ...sandbox, status: "error", statusMessage: "No room." } } },
    kind: "sandbox",
    text: /next message tries anew.*No room/,
  },
  asleep: {
    state: { runtime: { isLoaded: false, sandbox: { ...sandbox, status: "terminated" } } },
    kind: "asleep",
    text: /next message wakes it/,
  },
};

test.each(Object.entries(cases))("%s", (_, { state, snapshot, context, kind, text, has = {} }) => {
  const shown: SessionSnapshot = {
    sessionId: "s",
    connection: "live",
    pending: [],
    older: {},
    state: { ...initialState("s", "log"), ...state },
    ...snapshot,
  };
  const waiting = whyWaiting(shown, NOW, context);
  expect(waiting?.kind).toBe(kind);
  if (text !== undefined) expect(waiting?.text).toMatch(text);
  expect(waiting ?? {}).toMatchObject(has);
});

test("before the first answer nothing is known", () => {
  expect(whyWaiting({ sessionId: "s", connection: "connecting", pending: [], older: {} }, NOW)).toBeUndefined();
});
