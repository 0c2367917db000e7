import type { BlockUpdates, ConversationBlock } from "../blocks.ts";
import type { EventData } from "../events.ts";
import { MAIN_CONVERSATION } from "../main-conversation.ts";
import type { SessionState } from "./state.ts";
import { blocksToEvict, boundSubagents, carrySize, cutBlock, cutText, STATE_LIMITS } from "./window.ts";

interface Conversation {
  readonly blocks: readonly ConversationBlock[];
  readonly blocksBefore?: string;
}

type Change = (conversation: Conversation, open: readonly string[]) => Conversation;

function changeConversation(state: SessionState, conversationId: string, change: Change): SessionState {
  if (conversationId === MAIN_CONVERSATION) {
    const main: Conversation = {
      blocks: state.blocks,
      ...(state.blocksBefore === undefined ? {} : { blocksBefore: state.blocksBefore }),
    };
    const next = change(main, state.streamingBlockIds);
    return next === main ? state : { ...state, ...next };
  }
  const subagents = state.subagents.map((subagent) => {
    if (subagent.id !== conversationId) return subagent;
    return { ...subagent, ...change(subagent, state.streamingBlockIds) };
  });
  return { ...state, subagents };
}

function evict(conversation: Conversation, open: readonly string[]): Conversation {
  const count = blocksToEvict(conversation.blocks, open);
  if (count === 0) return conversation;
  const blocks = conversation.blocks.slice(count);
  carrySize(conversation.blocks, blocks, { removed: conversation.blocks.slice(0, count) });
  const oldest = blocks[0];
  return { ...conversation, blocks, ...(oldest === undefined ? {} : { blocksBefore: oldest.id }) };
}

function replace(blocks: readonly ConversationBlock[], index: number, block: ConversationBlock): ConversationBlock[] {
  const before = blocks[index];
  const next = blocks.with(index, block);
  carrySize(blocks, next, { added: [block], removed: before === undefined ? [] : [before] });
  return next;
}

function append(blocks: readonly ConversationBlock[], block: ConversationBlock): ConversationBlock[] {
  const next = [...blocks, block];
  carrySize(blocks, next, { added: [block] });
  return next;
}

function indexOfBlock(blocks: readonly ConversationBlock[], id: string): number {
  return blocks.findLastIndex((block) => block.id === id);
}

export function startBlock(state: SessionState, conversationId: string, block: ConversationBlock): SessionState {
  const opened = { ...state, streamingBlockIds: [...state.streamingBlockIds, block.id] };
  return changeConversation(opened, conversationId, (conversation, open) =>
    evict({ ...conversation, blocks: append(conversation.blocks, cutBlock(block)) }, open),
  );
}

function appendDelta(block: ConversationBlock, delta: string): ConversationBlock {
  if (block.type === "assistant_text" || block.type === "thinking") return appended(block, "content", delta);
  if (block.type === "tool_use") return appended(block, "partialInput", delta);
  return block;
}

function appended<K extends string, B extends ConversationBlock & Partial<Record<K, string>>>(
  block: B,
  field: K,
  delta: string,
): B {
  if (block.truncated === true) return block;
  const text = `${block[field] ?? ""}${delta}`;
  const cut = cutText(text, STATE_LIMITS.content);
  return cut.length === text.length ? { ...block, [field]: text } : { ...block, [field]: cut, truncated: true };
}

export function deltaBlock(
  state: SessionState,
  conversationId: string,
  at: { blockId: string; delta: string },
): SessionState {
  return changeConversation(state, conversationId, (conversation) => {
    const index = indexOfBlock(conversation.blocks, at.blockId);
    const block = conversation.blocks[index];
    if (block === undefined) return conversation;
    return { ...conversation, blocks: replace(conversation.blocks, index, appendDelta(block, at.delta)) };
  });
}

/** A block with its changed fields; a field that the block's type lacks is added as it is. */
export function updatedBlock(block: ConversationBlock, updates: BlockUpdates): ConversationBlock {
  return { ...block, ...updates } as ConversationBlock;
}

export function updateBlock(
  state: SessionState,
  conversationId: string,
  at: { blockId: string; updates: BlockUpdates },
): SessionState {
  return changeConversation(state, conversationId, (conversation) => {
    const index = indexOfBlock(conversation.blocks, at.blockId);
    const block = conversation.blocks[index];
    if (block === undefined) return conversation;
    const next = cutBlock(updatedBlock(block, at.updates));
    return { ...conversation, blocks: replace(conversation.blocks, index, next) };
  });
}

export function completeBlock(state: SessionState, conversationId: string, block: ConversationBlock): SessionState {
  const closed = { ...state, streamingBlockIds: state.streamingBlockIds.filter((id) => id !== block.id) };
  return changeConversation(closed, conversationId, (conversation, open) => {
    const index = indexOfBlock(conversation.blocks, block.id);
    if (index < 0) return conversation;
    if (block.retracted === true) return { ...conversation, blocks: conversation.blocks.toSpliced(index, 1) };
    return evict({ ...conversation, blocks: replace(conversation.blocks, index, cutBlock(block)) }, open);
  });
}

export function discoverSubagent(
  state: SessionState,
  subagent: EventData<"session:subagent:discovered">["subagent"],
): SessionState {
  const { id, name, status, parentId, background } = subagent;
  const known = state.subagents.find((other) => other.id === id);
  // It had ended, was sent a message, and goes on.
  if (known !== undefined)
    return { ...state, subagents: state.subagents.map((other) => (other === known ? { ...known, status } : other)) };
  const discovered = {
    id,
    name,
    status,
    ...(parentId === undefined ? {} : { parentId }),
    ...(background === undefined ? {} : { background }),
    blocks: [],
  };
  return { ...state, subagents: boundSubagents([...state.subagents, discovered]) };
}
