/**
 * The bounds that keep a state small whatever the length of its session. All sizes are in UTF-16 code units, which
 * every side counts alike. Blocks that are still open count as nothing, so that a client that was spared their deltas
 * (compaction) evicts the same blocks as one that saw them.
 */
import type { Ask } from "../asks.ts";
import type { ConversationBlock } from "../blocks.ts";
import type { WorkspaceFile } from "../files.ts";
import type { SubagentState } from "./state.ts";

export const STATE_LIMITS = {
  blocks: 500,
  conversation: 256 * 1024,
  content: 16 * 1024,
  files: 256 * 1024,
  subagents: 100,
} as const;

/** Cuts text without splitting a surrogate pair. */
export function cutText(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const last = text.charCodeAt(limit - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit);
}

function cutStrings(value: unknown, budget: { left: number }): unknown {
  if (typeof value === "string") {
    const cut = cutText(value, Math.max(0, budget.left));
    budget.left -= cut.length;
    return cut;
  }
  if (Array.isArray(value))
    return value.slice(0, Math.max(0, budget.left)).map((item) => cutStrings(item, spend(budget)));
  if (typeof value !== "object" || value === null) return value;
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    if (budget.left <= 0) break;
    budget.left -= key.length;
    entries.push([key, cutStrings(item, spend(budget))]);
  }
  return Object.fromEntries(entries);
}

function spend(budget: { left: number }): { left: number } {
  budget.left -= 1;
  return budget;
}

function cutInput(input: Record<string, unknown>): Record<string, unknown> {
  return cutStrings(input, { left: STATE_LIMITS.content }) as Record<string, unknown>;
}

/** Lengths of inputs as JSON; every other size is at hand. */
const inputSizes = new WeakMap<object, number>();

function inputSize(input: object): number {
  const known = inputSizes.get(input);
  if (known !== undefined) return known;
  const size = JSON.stringify(input).length;
  inputSizes.set(input, size);
  return size;
}

/** Size of a block: of its texts and its input as JSON. */
export function blockSize(block: ConversationBlock): number {
  switch (block.type) {
    case "tool_use":
      return inputSize(block.input);
    case "subagent":
      return (block.input?.length ?? 0) + (block.output?.length ?? 0);
    case "error":
      return block.message.length;
    case "user_message":
    case "assistant_text":
    case "thinking":
    case "tool_result":
    case "system":
      return block.content.length;
    default:
      return 0;
  }
}

/** A block as the state holds it: no text above the bound, `truncated` where something was cut. */
export function cutBlock(block: ConversationBlock): ConversationBlock {
  if (blockSize(block) <= STATE_LIMITS.content) return block;
  switch (block.type) {
    case "tool_use":
      return { ...block, input: cutInput(block.input), truncated: true };
    case "subagent":
      return {
        ...block,
        ...(block.input === undefined ? {} : { input: cutText(block.input, STATE_LIMITS.content / 2) }),
        ...(block.output === undefined ? {} : { output: cutText(block.output, STATE_LIMITS.content / 2) }),
        truncated: true,
      };
    case "error":
      return { ...block, message: cutText(block.message, STATE_LIMITS.content), truncated: true };
    case "user_message":
    case "assistant_text":
    case "thinking":
    case "tool_result":
    case "system":
      return { ...block, content: cutText(block.content, STATE_LIMITS.content), truncated: true };
    default:
      return block;
  }
}

/** An ask as the state holds it. */
export function cutAsk(ask: Ask): Ask {
  const { prompt, details } = ask;
  const isLong = prompt.length > STATE_LIMITS.content;
  const isLarge = details !== undefined && inputSize(details) > STATE_LIMITS.content;
  if (!isLong && !isLarge) return ask;
  return {
    ...ask,
    prompt: cutText(prompt, STATE_LIMITS.content),
    ...(isLarge ? { details: cutInput(details) } : {}),
    truncated: true,
  };
}

/** Sizes of a conversation's blocks together, open ones too. Carried on from array to array: to count takes as long as the window is. */
const totals = new WeakMap<readonly ConversationBlock[], number>();

function totalSize(blocks: readonly ConversationBlock[]): number {
  const known = totals.get(blocks);
  if (known !== undefined) return known;
  const total = blocks.reduce((sum, block) => sum + blockSize(block), 0);
  totals.set(blocks, total);
  return total;
}

/** `next` is `blocks` with `added` in it and without `removed`. */
export function carrySize(
  blocks: readonly ConversationBlock[],
  next: readonly ConversationBlock[],
  { added = [], removed = [] }: { added?: readonly ConversationBlock[]; removed?: readonly ConversationBlock[] },
): void {
  let total = totals.get(blocks);
  if (total === undefined) return;
  for (const block of added) total += blockSize(block);
  for (const block of removed) total -= blockSize(block);
  totals.set(next, total);
}

/** How many of the oldest blocks fall out of the window. */
export function blocksToEvict(blocks: readonly ConversationBlock[], open: readonly string[]): number {
  let size = totalSize(blocks);
  if (size > STATE_LIMITS.conversation) {
    for (const block of blocks) if (open.includes(block.id)) size -= blockSize(block);
  }
  let evict = 0;
  while (
    blocks.length - evict > STATE_LIMITS.blocks ||
    (size > STATE_LIMITS.conversation && evict < blocks.length - 1)
  ) {
    const oldest = blocks[evict];
    if (oldest === undefined) break;
    if (!open.includes(oldest.id)) size -= blockSize(oldest);
    evict += 1;
  }
  return evict;
}

/** Drops contents, of the file that was changed longest ago first, until the bound holds. */
export function boundFiles(files: readonly WorkspaceFile[]): readonly WorkspaceFile[] {
  let size = 0;
  for (const file of files) size += file.content?.length ?? 0;
  if (size <= STATE_LIMITS.files) return files;
  return files.map((file) => {
    if (size <= STATE_LIMITS.files || file.content === undefined) return file;
    size -= file.content.length;
    const { content: _content, encoding: _encoding, ...rest } = file;
    return { ...rest, truncated: true };
  });
}

/** Forgets the oldest subagents that have ended. */
export function boundSubagents(subagents: readonly SubagentState[]): readonly SubagentState[] {
  let surplus = subagents.length - STATE_LIMITS.subagents;
  if (surplus <= 0) return subagents;
  return subagents.filter((subagent) => {
    if (surplus <= 0 || subagent.status === "running") return true;
    surplus -= 1;
    return false;
  });
}
