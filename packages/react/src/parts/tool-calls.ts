import type { ShownBlock } from "@hhopkins/agent-runtime-client";
import type { ToolResultBlock, ToolUseBlock } from "@hhopkins/agent-runtime-protocol";
import { useMemo } from "react";
import { useMessages, type ConversationOptions } from "../use-messages.ts";

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
