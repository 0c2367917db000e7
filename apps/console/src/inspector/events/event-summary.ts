import type { ConversationBlock, EventType, SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { countText, costText } from "../../ui/format.ts";
import { visibleName } from "../../ui/visible-name.ts";

const LONGEST = 120;

/** What an event says, in a line. */
export function eventSummary(event: SessionEvent): string {
  try {
    return oneLine(summaryOf(event));
  } catch {
    // A newer server may say it otherwise.
    return "";
  }
}

function summaryOf(event: SessionEvent): string {
  switch (event.type) {
    case "session:created":
      return `${event.data.session.type}, profile ${event.data.session.agentProfileReference}`;
    case "session:block:start":
    case "session:block:complete":
      return blockSummary(event.data.block);
    case "session:block:delta":
      return `+${event.data.delta.length}: ${event.data.delta}`;
    case "session:block:update":
      return Object.entries(event.data.updates)
        .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
        .join(", ");
    case "session:status": {
      const { sandbox, isLoaded } = event.data.runtime;
      const message = sandbox?.statusMessage;
      return `${isLoaded ? "loaded" : "not loaded"}, sandbox ${sandbox?.status ?? "none"}${message === undefined ? "" : `: ${message}`}`;
    }
    case "session:metadata:update":
      return `${countText(event.data.metadata.usage.totalTokens)} tokens, ${costText(event.data.metadata.costUSD)}`;
    case "session:options:update":
      return JSON.stringify(event.data.sessionOptions);
    case "session:profile:update":
      return event.data.profileVersion;
    case "session:file:created":
    case "session:file:modified":
      return event.data.file.path;
    case "session:file:deleted":
      return event.data.path;
    case "session:subagent:discovered":
      return `${event.data.subagent.name} (${event.data.subagent.status})`;
    case "session:subagent:completed":
      return `${event.data.subagentId}: ${event.data.status}`;
    case "session:subagent:usage":
      return `${event.data.subagentId}: ${countText(event.data.usage.totalTokens)} tokens`;
    case "session:message:queued":
    case "session:message:updated":
      return event.data.content;
    case "session:message:withdrawn":
    case "session:message:taken":
      return event.data.messageId;
    case "session:turn:started":
    case "session:turn:deferred":
    case "session:turn:continued":
    case "session:rewound":
      return event.data.turnId;
    case "session:turn:completed": {
      const { status, error, usage, costUSD } = event.data;
      return `${status}${error === undefined ? "" : ` (${error.code})`}, ${countText(usage.totalTokens)} tokens, ${costText(costUSD)}`;
    }
    case "session:ask:opened":
      return event.data.ask.prompt;
    case "session:ask:resolved":
      return `${event.data.askId} by ${event.data.by}`;
    case "session:host-tool:called":
      return event.data.call.toolName;
    case "session:host-tool:completed":
      return `${event.data.callId}: ${event.data.status}`;
    case "error":
      return `${event.data.code}: ${event.data.message}`;
    default:
      return "";
  }
}

function blockSummary(block: ConversationBlock): string {
  switch (block.type) {
    case "user_message":
    case "assistant_text":
    case "thinking":
    case "system":
    case "tool_result":
      return block.content === "" ? block.type : `${block.type}: ${block.content}`;
    case "tool_use":
      return `${block.toolName} (${block.status})`;
    case "subagent":
      return `subagent ${block.name} (${block.status})`;
    case "error":
      return `error: ${block.message}`;
    default:
      return (block as { type: string }).type;
  }
}

function oneLine(text: string): string {
  return visibleName(text.slice(0, 2 * LONGEST).replace(/\s+/g, " ")).slice(0, LONGEST);
}

/** `block:delta` of `session:block:delta`. */
export function shortType(type: string): string {
  return type.replace(/^session:/, "");
}

/** The conversation that an event is part of; undefined: it is of the whole session. */
export function conversationOfEvent(event: SessionEvent): string | undefined {
  const { data } = event;
  if ("conversationId" in data) return data.conversationId;
  if ("subagentId" in data) return data.subagentId;
  if (event.type === "session:subagent:discovered") return event.data.subagent.id;
  if (event.type === "session:ask:opened") return (event.data.ask as { conversationId?: string }).conversationId;
  return undefined;
}

export interface EventFilter {
  /** `all`, `quiet` (without deltas), or one type. */
  readonly type: "all" | "quiet" | EventType | (string & {});
  /** Anywhere in the event as JSON, in any case of letters. */
  readonly text: string;
  /** `all`, or a conversation's id. */
  readonly conversation: string;
}

export const EVERYTHING: EventFilter = { type: "all", text: "", conversation: "all" };

const texts = new WeakMap<SessionEvent, string>();

function textOf(event: SessionEvent): string {
  const known = texts.get(event);
  if (known !== undefined) return known;
  const text = JSON.stringify(event).toLowerCase();
  texts.set(event, text);
  return text;
}

export function filterEvents<E extends SessionEvent>(events: readonly E[], filter: EventFilter): readonly E[] {
  const { type, conversation } = filter;
  const text = filter.text.trim().toLowerCase();
  if (type === "all" && conversation === "all" && text === "") return events;
  return events.filter(
    (event) =>
      (type === "all" || (type === "quiet" ? event.type !== "session:block:delta" : event.type === type)) &&
      (conversation === "all" || conversationOfEvent(event) === conversation) &&
      (text === "" || textOf(event).includes(text)),
  );
}

/** Events as the log's export has them: one in a line. */
export function asNdjson(events: readonly SessionEvent[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join("");
}
