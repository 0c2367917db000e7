/** Events that end a turn which its runner cannot end any more: nothing is left open, and nothing that streamed is lost. */
import {
  MAIN_CONVERSATION,
  NO_USAGE,
  type ConversationBlock,
  type EventDraft,
  type SessionState,
  type TurnError,
  type TurnStatus,
} from "@hhopkins/agent-runtime-protocol";
import { withdrawn } from "./ask-entries.ts";
import { cancelledHostCalls, openHostCalls } from "./host-tool-entries.ts";
import type { SessionKey, SessionStore } from "../persistence/session-store.ts";

const PAGE_EVENTS = 1000;

export interface TurnClosing {
  readonly state: SessionState;
  readonly store: SessionStore;
  readonly key: SessionKey;
  readonly status: TurnStatus;
  readonly error?: TurnError;
  readonly newId: () => string;
  readonly now: () => Date;
}

export async function closingEvents(closing: TurnClosing): Promise<EventDraft[]> {
  const { state, key } = closing;
  const { sessionId } = key;
  if (state.turn === null) return [];
  const { turnId, messageIds } = state.turn;
  const error = closing.error;
  return [
    ...(await closedBlocks(closing)),
    ...brokenTools(closing),
    ...stoppedSubagents(state),
    ...cancelledHostCalls(sessionId, openHostCalls(state)),
    ...state.asks.map(({ askId }) => withdrawn(sessionId, askId)),
    ...(error === undefined ? [] : errorEvents(closing, error)),
    {
      type: "session:turn:completed",
      data: {
        sessionId,
        turnId,
        messageIds: [...messageIds],
        status: closing.status,
        usage: NO_USAGE,
        costUSD: 0,
        ...(error === undefined ? {} : { error }),
      },
    },
  ];
}

/** An error block in the main conversation, and the `error` event beside it. */
export function errorEvents(
  about: { key: SessionKey; newId: () => string; now: () => Date },
  error: TurnError,
): EventDraft[] {
  const { sessionId } = about.key;
  const block: ConversationBlock = {
    type: "error",
    id: `server:${about.newId()}`,
    timestamp: about.now().toISOString(),
    message: error.message,
    code: error.code,
  };
  const place = { sessionId, conversationId: MAIN_CONVERSATION };
  return [
    { type: "session:block:start", data: { ...place, block } },
    { type: "session:block:complete", data: { ...place, blockId: block.id, block } },
    { type: "error", data: { sessionId, code: error.code, message: error.message } },
  ];
}

async function closedBlocks(closing: TurnClosing): Promise<EventDraft[]> {
  const events: EventDraft[] = [];
  for (const blockId of closing.state.streamingBlockIds) {
    const open = await closing.store.block(closing.key, blockId);
    if (open === null) continue;
    const block = closed(open.block, await streamedText(closing, { blockId, from: open.position }));
    const { conversationId } = open;
    events.push({
      type: "session:block:complete",
      data: { sessionId: closing.key.sessionId, conversationId, blockId, block },
    });
  }
  return events;
}

/** The text of an open block is in the log only. */
async function streamedText(closing: TurnClosing, block: { blockId: string; from: number }): Promise<string> {
  const { store, key, state } = closing;
  const parts: string[] = [];
  let after = block.from;
  while (after < state.lastSeq) {
    const events = await store.events(key, { after, limit: PAGE_EVENTS });
    for (const event of events) {
      if (event.type === "session:block:delta" && event.data.blockId === block.blockId) parts.push(event.data.delta);
    }
    const last = events.at(-1);
    if (last === undefined) break;
    after = last.seq;
  }
  return parts.join("");
}

function closed(block: ConversationBlock, streamed: string): ConversationBlock {
  if (block.type === "tool_use") return { ...block, status: "error" };
  if (block.type === "assistant_text" || block.type === "thinking") {
    return { ...block, content: block.content + streamed };
  }
  return block;
}

function conversations(state: SessionState): { conversationId: string; blocks: readonly ConversationBlock[] }[] {
  const main = { conversationId: MAIN_CONVERSATION, blocks: state.blocks };
  return [main, ...state.subagents.map(({ id, blocks }) => ({ conversationId: id, blocks }))];
}

function brokenTools(closing: TurnClosing): EventDraft[] {
  const { state } = closing;
  return conversations(state).flatMap(({ conversationId, blocks }) =>
    blocks
      .filter((block) => !state.streamingBlockIds.includes(block.id))
      .flatMap((block): EventDraft[] => {
        const status = unfinished(block);
        if (status === null) return [];
        const data = { sessionId: state.sessionId, conversationId, blockId: block.id, updates: { status } };
        return [{ type: "session:block:update", data }, ...unknownOutcome(closing, conversationId, block)];
      }),
  );
}

/** The result of a call that had begun: nobody will learn what it did. One that waited for people had not. */
function unknownOutcome(
  { state, newId, now }: TurnClosing,
  conversationId: string,
  call: ConversationBlock,
): EventDraft[] {
  if (call.type !== "tool_use" || call.status !== "running") return [];
  const { toolUseId } = call;
  if (state.asks.some((ask) => ask.toolUseId === toolUseId)) return [];
  const block: ConversationBlock = {
    type: "tool_result",
    id: `server:${newId()}`,
    timestamp: now().toISOString(),
    toolUseId,
    content: "The turn ended before the result of this call was known: its outcome is unknown.",
    isError: true,
  };
  const place = { sessionId: state.sessionId, conversationId };
  return [
    { type: "session:block:start", data: { ...place, block } },
    { type: "session:block:complete", data: { ...place, blockId: block.id, block } },
  ];
}

function unfinished(block: ConversationBlock): string | null {
  if (block.type === "tool_use" && (block.status === "running" || block.status === "pending")) return "error";
  if (block.type === "subagent" && block.status === "running") return "failed";
  return null;
}

function stoppedSubagents(state: SessionState): EventDraft[] {
  return state.subagents
    .filter((subagent) => subagent.status === "running")
    .map(({ id }) => ({
      type: "session:subagent:completed",
      data: { sessionId: state.sessionId, subagentId: id, status: "failed" },
    }));
}
