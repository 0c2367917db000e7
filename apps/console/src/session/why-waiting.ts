import type { SessionSnapshot } from "@hhopkins/agent-runtime-client";
import type {
  Ask,
  ConversationBlock,
  SandboxState,
  SessionState,
  ToolUseBlock,
} from "@hhopkins/agent-runtime-protocol";

/** What a person can do about it. */
export type WaitingAction =
  | { readonly type: "wake" }
  | { readonly type: "stop" }
  | { readonly type: "sandbox" }
  | { readonly type: "ask"; readonly askId: string };

export interface Waiting {
  readonly kind:
    | "connection"
    | "persistence"
    | "interrupting"
    | "ask"
    | "deferred"
    | "sandbox"
    | "host-tool"
    | "notice"
    | "tool"
    | "subagent"
    | "silent"
    | "queued"
    | "sending"
    | "limits"
    | "asleep";
  /** One sentence or two, as plain text. */
  readonly text: string;
  readonly tone: "plain" | "warn" | "bad";
  /** ISO 8601: since when. */
  readonly since?: string;
  /** ISO 8601: when it ends by itself. */
  readonly until?: string;
  readonly action?: WaitingAction;
}

export interface WaitingContext {
  /** The turn that somebody at this page has asked to stop. */
  readonly interruptedTurnId?: string | undefined;
  /** Milliseconds since 1970 at which something of the session was heard last. */
  readonly heardAt?: number | undefined;
}

/** Milliseconds for which nothing needs to be said. */
const PATIENCE_MS = { tool: 10_000, silence: 10_000, sending: 3000 } as const;

/**
 * Why a session is not moving, by what its log says and how its line is; undefined while it moves, or has nothing to do.
 * `now`: milliseconds since 1970.
 */
export function whyWaiting(snapshot: SessionSnapshot, now: number, context: WaitingContext = {}): Waiting | undefined {
  const { state } = snapshot;
  if (state === undefined) return undefined;
  return (
    lineOf(snapshot) ??
    stoppingOf(state, context) ??
    askOf(state) ??
    sandboxOf(state) ??
    turnOf(state, now, context) ??
    queueOf(snapshot, now) ??
    restOf(state)
  );
}

function lineOf({ connection, error }: SessionSnapshot): Waiting | undefined {
  if (connection === "reconnecting" || (connection === "connecting" && error !== undefined)) {
    const text = "The line to the server is cut, and is being tried again. What is shown may be old.";
    return { kind: "connection", text, tone: "bad", action: { type: "wake" } };
  }
  if (error?.code === "persistence_unavailable") {
    const text = `The server cannot save this session at the moment, and shows nothing that is not saved. It goes on by itself. (${error.message})`;
    return { kind: "persistence", text, tone: "bad" };
  }
  return undefined;
}

function stoppingOf({ turn }: SessionState, { interruptedTurnId }: WaitingContext): Waiting | undefined {
  if (turn === null || turn.turnId !== interruptedTurnId) return undefined;
  return { kind: "interrupting", text: "The turn is being stopped.", tone: "plain" };
}

function askOf(state: SessionState): Waiting | undefined {
  const [ask] = state.asks;
  if (ask === undefined) {
    if (state.turn?.deferred !== true) return undefined;
    const text = "The turn is put off: it is saved, and goes on in a new sandbox.";
    return { kind: "deferred", text, tone: "plain", since: state.turn.startedAt };
  }
  const more = state.asks.length === 1 ? "" : ` ${state.asks.length - 1} more wait.`;
  const asleep = state.turn?.deferred === true ? " Its sandbox sleeps meanwhile; the answer wakes it." : "";
  return {
    kind: "ask",
    text: `${whoAsks(ask, state)} waits for ${WANTED[ask.kind]}.${more}${asleep}`,
    tone: "warn",
    since: ask.openedAt,
    ...(ask.expiresAt === undefined ? {} : { until: ask.expiresAt }),
    action: { type: "ask", askId: ask.askId },
  };
}

const WANTED = {
  permission: "a permission",
  question: "an answer",
  plan: "its plan to be approved",
  elicitation: "what an MCP server asks for",
} as const satisfies Record<Ask["kind"], string>;

function whoAsks({ conversationId }: Ask, { subagents }: SessionState): string {
  const subagent = subagents.find(({ id }) => id === conversationId);
  return subagent === undefined ? "The agent" : `The subagent ${subagent.name}`;
}

function sandboxOf({ runtime: { sandbox }, turn, queue }: SessionState): Waiting | undefined {
  if (sandbox === null || (turn === null && queue.length === 0)) return undefined;
  const why = sandboxText(sandbox);
  if (why === undefined) return undefined;
  const tone = sandbox.status === "error" ? "bad" : sandbox.status === "unhealthy" ? "warn" : "plain";
  const since = sandbox.lastHealthCheck === null ? {} : { since: sandbox.lastHealthCheck };
  return { kind: "sandbox", text: why, tone, ...since, action: { type: "sandbox" } };
}

function sandboxText({ status, statusMessage, restartCount }: SandboxState): string | undefined {
  const said = statusMessage === undefined ? "" : ` ${statusMessage}`;
  const again = restartCount === 0 ? "" : ` It is the session's sandbox number ${restartCount + 1}.`;
  switch (status) {
    case "ready":
      return undefined;
    case "pending":
      return statusMessage ?? "It waits for a free sandbox.";
    case "starting":
      return `${statusMessage ?? "The sandbox is starting."}${again}`;
    case "unhealthy":
      return `The sandbox cannot be reached, and is waited for.${said}`;
    case "terminated":
      return `The sandbox has ended; another one is started.${said}`;
    case "error":
      return `The sandbox is gone or could not be started.${said}`;
  }
}

function turnOf(state: SessionState, now: number, { heardAt }: WaitingContext): Waiting | undefined {
  const { turn } = state;
  if (turn === null) return undefined;
  return (
    hostToolOf(state) ??
    noticeOf(state.blocks, turn.startedAt) ??
    toolOf(state, now) ??
    subagentOf(state, now) ??
    silenceOf(state, Math.max(heardAt ?? 0, Date.parse(turn.startedAt)), now)
  );
}

function hostToolOf({ hostToolCalls = [] }: SessionState): Waiting | undefined {
  const call = hostToolCalls.find(({ completedSeq }) => completedSeq === undefined);
  if (call === undefined) return undefined;
  const text = `The application's tool ${call.toolName} was called and has not answered yet.`;
  return { kind: "host-tool", text, tone: "plain", since: call.calledAt, action: { type: "stop" } };
}

/** Trouble with the model's provider that is not over: a retry says so itself, a limit stands at the end. */
function noticeOf(blocks: readonly ConversationBlock[], turnBegan: string): Waiting | undefined {
  const notice = blocks.findLast((block, place) => {
    if (block.type !== "system" || block.timestamp < turnBegan) return false;
    if (block.subtype === "api_retry") return block.content.includes("tries again");
    return block.subtype === "rate_limit" && place === blocks.length - 1;
  });
  if (notice?.type !== "system") return undefined;
  return { kind: "notice", text: notice.content, tone: "warn", since: notice.timestamp, action: { type: "stop" } };
}

function toolOf({ blocks, subagents }: SessionState, now: number): Waiting | undefined {
  const running = [blocks, ...subagents.map((one) => one.blocks)].flatMap((all) => all.filter(isRunningTool));
  // A call of a subagent waits for what the subagent does: that says more.
  const calls = running.filter(({ toolUseId }) => subagents.every(({ id }) => id !== toolUseId));
  const [first] = calls.toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
  if (first === undefined || now - Date.parse(first.timestamp) < PATIENCE_MS.tool) return undefined;
  const more = calls.length === 1 ? "" : ` ${calls.length - 1} more run beside it.`;
  const progress = first.progress === undefined ? "" : ` It says: ${first.progress}`;
  const text = `The tool ${first.toolName} is running.${progress}${more}`;
  return { kind: "tool", text, tone: "plain", since: first.timestamp, action: { type: "stop" } };
}

function isRunningTool(block: ConversationBlock): block is ToolUseBlock {
  return block.type === "tool_use" && block.status === "running";
}

function subagentOf({ subagents, streamingBlockIds }: SessionState, now: number): Waiting | undefined {
  const working = subagents.filter(({ status }) => status === "running");
  const [first] = working;
  const began = first?.blocks[0]?.timestamp;
  if (first === undefined || streamingBlockIds.length > 0) return undefined;
  if (began !== undefined && now - Date.parse(began) < PATIENCE_MS.tool) return undefined;
  const names = working.map(({ name }) => name).join(", ");
  const text = `${working.length === 1 ? "A subagent is" : `${working.length} subagents are`} at work: ${names}.`;
  return { kind: "subagent", text, tone: "plain", ...(began === undefined ? {} : { since: began }) };
}

function silenceOf({ blocks }: SessionState, heardAt: number, now: number): Waiting | undefined {
  const last = Math.max(heardAt, Date.parse(blocks.at(-1)?.timestamp ?? "") || 0);
  if (now - last < PATIENCE_MS.silence) return undefined;
  const since = new Date(last).toISOString();
  return {
    kind: "silent",
    text: "The model has said nothing for a while.",
    tone: "plain",
    since,
    action: { type: "stop" },
  };
}

function queueOf({ state, pending }: SessionSnapshot, now: number): Waiting | undefined {
  const [next] = state?.queue ?? [];
  if (next !== undefined) {
    const count = state?.queue.length === 1 ? "A message waits" : `${state?.queue.length} messages wait`;
    const text = state?.turn === null ? `${count} for a turn to begin.` : `${count} until this turn has ended.`;
    return { kind: "queued", text, tone: "plain", since: next.queuedAt };
  }
  const sending = pending.find(({ delivery }) => delivery === "sending");
  if (sending === undefined || now - Date.parse(sending.timestamp) < PATIENCE_MS.sending) return undefined;
  const text = "A message is on its way, and the server has not confirmed it yet.";
  return { kind: "sending", text, tone: "plain", since: sending.timestamp };
}

/** Nothing is to be done: what the next message meets. */
function restOf({ turn, lastTurn, runtime: { sandbox, isLoaded } }: SessionState): Waiting | undefined {
  if (turn !== null) return undefined;
  if (lastTurn?.error?.code === "turn_limit") {
    return { kind: "limits", text: `The last turn was stopped. ${lastTurn.error.message}`, tone: "warn" };
  }
  if (sandbox?.status === "error") {
    const text = `The sandbox is gone or could not be started; the next message tries anew. ${sandbox.statusMessage ?? ""}`;
    return { kind: "sandbox", text: text.trim(), tone: "bad", action: { type: "sandbox" } };
  }
  if (sandbox === null || (isLoaded && sandbox.status !== "terminated")) return undefined;
  return { kind: "asleep", text: "The session is asleep. The next message wakes it.", tone: "plain" };
}
