import { conversationBlocks, type SessionSnapshot, type ShownBlock } from "@hhopkins/agent-runtime-client";
import { MAIN_CONVERSATION, type ToolResultBlock, type ToolUseBlock } from "@hhopkins/agent-runtime-protocol";
import { useCallback, useMemo } from "react";
import { useMessages, type ConversationOptions } from "../use-messages.ts";
import { shallowEqual, useSessionSelector } from "../use-session-selector.ts";

/** A call with its result, which is undefined while the tool runs. */
export interface ToolCallItem {
  readonly kind: "tool";
  readonly id: string;
  readonly call: ToolUseBlock;
  readonly result: ToolResultBlock | undefined;
}

export interface BlockItem {
  readonly kind: "block";
  readonly id: string;
  readonly block: ShownBlock;
}

export type ConversationItem = ToolCallItem | BlockItem;

const calls = new WeakMap<ToolUseBlock, ToolCallItem>();
const others = new WeakMap<ShownBlock, BlockItem>();

/**
 * Blocks as they are read: a tool's result stands with its call, and every other block by itself; so does a result
 * whose call is not there. What did not change is the same object as the last time.
 */
export function pairToolCalls(blocks: readonly ShownBlock[]): readonly ConversationItem[] {
  const results = new Map<string, ToolResultBlock>();
  const called = new Set<string>();
  for (const block of blocks) {
    if (block.type === "tool_result") results.set(block.toolUseId, block);
    if (block.type === "tool_use") called.add(block.toolUseId);
  }
  return blocks.flatMap((block): ConversationItem[] => {
    if (block.type === "tool_use") return [callItem(block, results.get(block.toolUseId))];
    return block.type === "tool_result" && called.has(block.toolUseId) ? [] : [blockItem(block)];
  });
}

/** The items of a session's conversation, live. */
export function useConversationItems(
  sessionId: string | undefined,
  options: ConversationOptions = {},
): readonly ConversationItem[] {
  const { blocks } = useMessages(sessionId, options);
  return useMemo(() => pairToolCalls(blocks), [blocks]);
}

/** The ids of a conversation's items: renders again when items come or go, and not when one of them changes. */
export function useConversationItemIds(
  sessionId: string | undefined,
  { conversationId = MAIN_CONVERSATION }: ConversationOptions = {},
): readonly string[] {
  return useSessionSelector(
    sessionId,
    useCallback((snapshot) => paired(conversationBlocks(snapshot, conversationId)).ids, [conversationId]),
    shallowEqual,
  );
}

export interface UseConversationItem {
  readonly item: ConversationItem | undefined;
  /** The block itself, or the call, is still being written. */
  readonly isStreaming: boolean;
}

/** One item: renders again when this one changes. */
export function useConversationItem(
  sessionId: string | undefined,
  itemId: string,
  { conversationId = MAIN_CONVERSATION }: ConversationOptions = {},
): UseConversationItem {
  return useSessionSelector(
    sessionId,
    useCallback(
      (snapshot: SessionSnapshot) => ({
        item: paired(conversationBlocks(snapshot, conversationId)).items.get(itemId),
        isStreaming: snapshot.state?.streamingBlockIds.includes(itemId) === true,
      }),
      [conversationId, itemId],
    ),
    shallowEqual,
  );
}

interface Paired {
  readonly ids: readonly string[];
  readonly items: ReadonlyMap<string, ConversationItem>;
}

const lists = new WeakMap<readonly ShownBlock[], Paired>();

/** The items of a list of blocks by their ids; made once for a list. */
function paired(blocks: readonly ShownBlock[]): Paired {
  const known = lists.get(blocks);
  if (known !== undefined) return known;
  const items = new Map(pairToolCalls(blocks).map((item) => [item.id, item]));
  const made = { ids: [...items.keys()], items };
  lists.set(blocks, made);
  return made;
}

function callItem(call: ToolUseBlock, result: ToolResultBlock | undefined): ToolCallItem {
  const known = calls.get(call);
  if (known !== undefined && known.result === result) return known;
  const item: ToolCallItem = { kind: "tool", id: call.id, call, result };
  calls.set(call, item);
  return item;
}

function blockItem(block: ShownBlock): BlockItem {
  const known = others.get(block);
  if (known !== undefined) return known;
  const item: BlockItem = { kind: "block", id: block.id, block };
  others.set(block, item);
  return item;
}
