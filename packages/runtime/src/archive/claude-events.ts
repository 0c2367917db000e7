import {
  MAIN_CONVERSATION,
  NO_USAGE,
  type ConversationBlock,
  type EventDraft,
  type PersistedSessionListData,
  type Usage,
} from "@hhopkins/agent-runtime-protocol";
import { createHash } from "node:crypto";
import type { ClaudeMessage, ClaudePart, ClaudeTranscript } from "./claude-lines.ts";

/** An event and when what it tells of happened. */
export interface ImportedEvent {
  readonly draft: EventDraft;
  readonly at: string;
}

/** Ids of blocks and messages: of the alphabet that both have, and the same whenever the same file is imported. */
function idOf(...parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 32);
}

/** A transcript of Claude Code as a session's events: each message of the user's begins a turn. */
export function* claudeEvents(
  transcript: ClaudeTranscript,
  session: PersistedSessionListData,
): Generator<ImportedEvent> {
  const { sessionId } = session;
  yield { at: session.createdAt, draft: { type: "session:created", data: { sessionId, session } } };
  const turns = new Turns(sessionId);
  for (const message of transcript.messages) yield* turns.take(message);
  yield* turns.end();
}

class Turns {
  readonly #sessionId: string;
  #turn: { turnId: string; messageId: string } | null = null;
  #at = new Date(0).toISOString();
  #usage: Usage = NO_USAGE;
  readonly #counted = new Set<string>();
  readonly #tools = new Map<string, string>();

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  *take(message: ClaudeMessage): Generator<ImportedEvent> {
    this.#at = message.timestamp;
    if (message.role === "assistant") return yield* this.#answer(message);
    const { content } = message.message;
    const parts = typeof content === "string" ? [{ type: "text", text: content }] : content;
    for (const [index, part] of parts.entries())
      if (part.type === "tool_result") yield* this.#toolResult(part, idOf(message.uuid, String(index)));
    const text = parts.flatMap((part) => shown(part) ?? []).join("\n");
    if (text !== "" && !message.isHidden) yield* this.#begin(text, message.uuid);
  }

  *end(): Generator<ImportedEvent> {
    if (this.#turn === null) return;
    const { turnId, messageId } = this.#turn;
    this.#turn = null;
    const usage = this.#usage;
    this.#usage = NO_USAGE;
    yield this.#event({
      type: "session:turn:completed",
      data: { sessionId: this.#sessionId, turnId, messageIds: [messageId], status: "completed", usage, costUSD: 0 },
    });
  }

  *#begin(content: string, uuid: string): Generator<ImportedEvent> {
    yield* this.end();
    const messageId = idOf("message", uuid);
    const turnId = `turn_${idOf("turn", uuid)}`;
    this.#turn = { turnId, messageId };
    const sessionId = this.#sessionId;
    yield this.#event({ type: "session:message:queued", data: { sessionId, messageId, content } });
    yield this.#event({ type: "session:turn:started", data: { sessionId, turnId, messageIds: [messageId] } });
    yield* this.#block({ type: "user_message", id: messageId, timestamp: this.#at, content });
  }

  *#answer({ uuid, message }: ClaudeMessage): Generator<ImportedEvent> {
    this.#count(message);
    const parts = typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content;
    for (const [index, part] of parts.entries()) {
      const id = idOf(uuid, String(index));
      const common = { id, timestamp: this.#at };
      if (part.type === "text") yield* this.#block({ type: "assistant_text", ...common, content: part.text ?? "" });
      if (part.type === "thinking") yield* this.#block({ type: "thinking", ...common, content: part.thinking ?? "" });
      if (part.type !== "tool_use" || part.id === undefined) continue;
      this.#tools.set(part.id, id);
      const { name = "", input = {} } = part;
      yield* this.#block({ type: "tool_use", ...common, toolName: name, toolUseId: part.id, input, status: "running" });
    }
  }

  *#toolResult(part: ClaudePart, id: string): Generator<ImportedEvent> {
    const toolUseId = part.tool_use_id;
    if (toolUseId === undefined) return;
    const isError = part.is_error === true;
    const tool = this.#tools.get(toolUseId);
    if (tool !== undefined) {
      const updates = { status: isError ? "error" : "success" };
      const place = { sessionId: this.#sessionId, conversationId: MAIN_CONVERSATION };
      yield this.#event({ type: "session:block:update", data: { ...place, blockId: tool, updates } });
    }
    const content = typeof part.content === "string" ? part.content : (part.content ?? []).map(shownOrNamed).join("\n");
    yield* this.#block({
      type: "tool_result",
      id,
      timestamp: this.#at,
      toolUseId,
      content,
      ...(isError ? { isError } : {}),
    });
  }

  *#block(block: ConversationBlock): Generator<ImportedEvent> {
    const place = { sessionId: this.#sessionId, conversationId: MAIN_CONVERSATION };
    yield this.#event({ type: "session:block:start", data: { ...place, block } });
    yield this.#event({ type: "session:block:complete", data: { ...place, blockId: block.id, block } });
  }

  /** A message comes in a line a block, each with what the whole message used. */
  #count({ id = "", usage }: ClaudeMessage["message"]): void {
    if (usage === undefined || this.#counted.has(id)) return;
    this.#counted.add(id);
    const inputTokens = usage.input_tokens ?? 0;
    const outputTokens = usage.output_tokens ?? 0;
    const cacheReadTokens = usage.cache_read_input_tokens ?? 0;
    const cacheWriteTokens = usage.cache_creation_input_tokens ?? 0;
    const before = this.#usage;
    this.#usage = {
      ...before,
      inputTokens: before.inputTokens + inputTokens,
      outputTokens: before.outputTokens + outputTokens,
      cacheReadTokens: before.cacheReadTokens + cacheReadTokens,
      cacheWriteTokens: before.cacheWriteTokens + cacheWriteTokens,
      totalTokens: before.totalTokens + inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens,
    };
  }

  #event(draft: EventDraft): ImportedEvent {
    return { draft, at: this.#at };
  }
}

/** What a person wrote; images are named. */
function shown(part: ClaudePart): string | null {
  if (part.type === "text") return part.text ?? "";
  return part.type === "tool_result" ? null : `[${part.type}]`;
}

function shownOrNamed(part: { type: string; text?: string | undefined }): string {
  return part.type === "text" ? (part.text ?? "") : `[${part.type}]`;
}
