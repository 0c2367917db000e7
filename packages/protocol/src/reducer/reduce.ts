import type { EventData, SessionEvent } from "../events.ts";
import type { WorkspaceFile } from "../files.ts";
import type { EndedTurn, MessageMode } from "../session.ts";
import { completeBlock, deltaBlock, discoverSubagent, startBlock, updateBlock } from "./conversation.ts";
import { callHostTool, completeHostTool, endHostTools, receiveHostResult } from "./host-tools.ts";
import { rewound } from "./rewound.ts";
import { nextSandboxes } from "./sandboxes.ts";
import type { SessionState } from "./state.ts";
import { boundFiles, cutAsk } from "./window.ts";

/** Rules that a session remembers; beyond it the oldest are asked for again. */
const MOST_ALLOWED_TOOLS = 200;

/** An event of a type that this version may not know: it moves the cursor and changes nothing else. */
export type AnyEvent = SessionEvent | { seq: number; at: string; type: string; data: unknown };

/**
 * The state after `event`. Pure; idempotent by `seq` (an event at or below `lastSeq` changes nothing).
 * It does not check for gaps: whoever reads a log does (`from ?? seq` is `lastSeq` + 1).
 */
export function reduce(state: SessionState, event: SessionEvent): SessionState {
  if (event.seq <= state.lastSeq) return state;
  const next = apply(state, event);
  return { ...next, lastSeq: event.seq };
}

/** `reduce` over a run of events. */
export function reduceAll(state: SessionState, events: Iterable<SessionEvent>): SessionState {
  let next = state;
  for (const event of events) next = reduce(next, event);
  return next;
}

function apply(state: SessionState, event: SessionEvent): SessionState {
  switch (event.type) {
    case "session:created":
      return { ...state, ...event.data.session, ...pinned(event.data), ...origin(event.data) };
    case "session:block:start":
      return startBlock(state, event.data.conversationId, event.data.block);
    case "session:block:delta":
      return deltaBlock(state, event.data.conversationId, event.data);
    case "session:block:update":
      return updateBlock(state, event.data.conversationId, event.data);
    case "session:block:complete":
      return receiveHostResult(completeBlock(state, event.data.conversationId, event.data.block), event.data.block);
    case "session:status":
      return { ...state, runtime: event.data.runtime, ...sandboxesOf(state, event.data, event.at) };
    case "session:metadata:update":
      return { ...state, sessionMetadata: event.data.metadata };
    case "session:options:update":
      return { ...state, sessionOptions: event.data.sessionOptions };
    case "session:rewound":
      return rewound(state, event.data, event.at);
    case "session:profile:update":
      return { ...state, ...pinned(event.data) };
    case "session:file:created":
    case "session:file:modified":
      return { ...state, workspaceFiles: putFile(state.workspaceFiles, event.data.file), lastActivity: event.at };
    case "session:file:deleted":
      return {
        ...state,
        workspaceFiles: state.workspaceFiles.filter((file) => file.path !== event.data.path),
        lastActivity: event.at,
      };
    case "session:subagent:discovered":
      return discoverSubagent(state, event.data.subagent);
    case "session:subagent:completed":
      return {
        ...state,
        subagents: state.subagents.map((subagent) =>
          subagent.id === event.data.subagentId ? completedSubagent(subagent, event.data) : subagent,
        ),
      };
    case "session:subagent:usage": {
      const { subagentId, usage, costUSD } = event.data;
      return {
        ...state,
        subagents: state.subagents.map((subagent) =>
          subagent.id === subagentId ? { ...subagent, usage, costUSD } : subagent,
        ),
      };
    }
    default:
      return applyTurn(state, event);
  }
}

function pinned({ profileVersion }: { profileVersion?: string | undefined }): Pick<SessionState, "profileVersion"> {
  return profileVersion === undefined ? {} : { profileVersion };
}

function origin({ forkedFrom }: EventData<"session:created">): Pick<SessionState, "forkedFrom"> {
  return forkedFrom === undefined ? {} : { forkedFrom };
}

function sandboxesOf(
  { sandboxes }: SessionState,
  { runtime }: EventData<"session:status">,
  at: string,
): Pick<SessionState, "sandboxes"> {
  const next = nextSandboxes(sandboxes, runtime, at);
  return next.length === 0 ? {} : { sandboxes: next };
}

function completedSubagent(
  subagent: SessionState["subagents"][number],
  data: { status: SessionState["subagents"][number]["status"]; output?: string | undefined },
): SessionState["subagents"][number] {
  return { ...subagent, status: data.status, ...(data.output === undefined ? {} : { output: data.output }) };
}

function putFile(files: readonly WorkspaceFile[], file: WorkspaceFile): readonly WorkspaceFile[] {
  return boundFiles([...files.filter((known) => known.path !== file.path), file]);
}

function endedTurn({ turnId, status, error, result }: EventData<"session:turn:completed">): EndedTurn {
  return {
    turnId,
    status,
    ...(error === undefined ? {} : { error }),
    ...(result === undefined ? {} : { result }),
  };
}

/** Where in the queue a message goes: one that interrupts stands before all but those that did before it. */
export function queuePlace(queue: SessionState["queue"], mode: MessageMode | undefined): number {
  return mode === "interrupt" ? queue.filter((message) => message.mode === "interrupt").length : queue.length;
}

/** Messages, turns, asks: what people and agent do in turn. */
function applyTurn(state: SessionState, event: SessionEvent): SessionState {
  switch (event.type) {
    case "session:message:queued": {
      const { messageId, content, mode, attachments, resultSchema } = event.data;
      const message = {
        messageId,
        content,
        queuedAt: event.at,
        ...(mode === undefined ? {} : { mode }),
        ...(attachments === undefined ? {} : { attachments }),
        ...(resultSchema === undefined ? {} : { resultSchema }),
      };
      return {
        ...state,
        queue: state.queue.toSpliced(queuePlace(state.queue, mode), 0, message),
        lastActivity: event.at,
      };
    }
    case "session:message:updated":
      return {
        ...state,
        queue: state.queue.map((message) =>
          message.messageId === event.data.messageId ? { ...message, content: event.data.content } : message,
        ),
        lastActivity: event.at,
      };
    case "session:message:withdrawn":
      return {
        ...state,
        queue: state.queue.filter((message) => message.messageId !== event.data.messageId),
        lastActivity: event.at,
      };
    case "session:message:taken": {
      const { messageId, turnId } = event.data;
      const { turn } = state;
      return {
        ...state,
        queue: state.queue.filter((message) => message.messageId !== messageId),
        turn: turn?.turnId === turnId ? { ...turn, messageIds: [...turn.messageIds, messageId] } : turn,
        lastActivity: event.at,
      };
    }
    case "session:turn:started": {
      const { turnId, messageIds, resultSchema } = event.data;
      const asked = resultSchema === undefined ? {} : { resultSchema };
      return {
        ...state,
        queue: state.queue.filter((message) => !messageIds.includes(message.messageId)),
        turn: { turnId, messageIds, startedAt: event.at, ...asked },
        lastActivity: event.at,
      };
    }
    case "session:turn:completed":
      return { ...endHostTools(state), turn: null, lastTurn: endedTurn(event.data), lastActivity: event.at };
    case "session:turn:deferred":
    case "session:turn:continued":
      return { ...state, turn: deferredTurn(state.turn, event) };
    case "session:host-tool:called":
      return callHostTool(state, event);
    case "session:host-tool:completed":
      return completeHostTool(state, event.seq, event.data);
    case "session:ask:opened":
      return { ...state, asks: [...state.asks, cutAsk(event.data.ask)], lastActivity: event.at };
    case "session:ask:resolved":
      return {
        ...state,
        asks: state.asks.filter((ask) => ask.askId !== event.data.askId),
        ...allowedTools(state, event.data),
        lastActivity: event.at,
      };
    // `error` tells people; an event of a newer server only moves the cursor.
    default:
      return state;
  }
}

function deferredTurn(
  turn: SessionState["turn"],
  { type, data }: Extract<SessionEvent, { type: "session:turn:deferred" | "session:turn:continued" }>,
): SessionState["turn"] {
  return turn?.turnId === data.turnId ? { ...turn, deferred: type === "session:turn:deferred" } : turn;
}

/** With the rule of an ask that was allowed for the session. */
function allowedTools(
  { asks, allowedTools: known = [] }: SessionState,
  { askId, answer }: EventData<"session:ask:resolved">,
): Pick<SessionState, "allowedTools"> {
  const rule = asks.find((ask) => ask.askId === askId)?.rule;
  const isForSession = answer?.decision === "allow" && answer.scope === "session";
  if (!isForSession || rule === undefined || known.includes(rule)) return {};
  return { allowedTools: [...known, rule].slice(-MOST_ALLOWED_TOOLS) };
}
