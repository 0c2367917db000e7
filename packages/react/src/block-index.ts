import type { ShownBlock } from "@hhopkins/agent-runtime-client";

const indexes = new WeakMap<readonly ShownBlock[], ReadonlyMap<string, ShownBlock>>();

/** Blocks by their ids; made once for a list. */
export function indexOf(blocks: readonly ShownBlock[]): ReadonlyMap<string, ShownBlock> {
  const known = indexes.get(blocks);
  if (known !== undefined) return known;
  const index = new Map(blocks.map((block) => [block.id, block]));
  indexes.set(blocks, index);
  return index;
}
