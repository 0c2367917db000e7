import type { ConversationBlock, SessionState } from "@hhopkins/agent-runtime-protocol";
import type { LiveEvent } from "../follow/frame.ts";
import { conversationOf } from "./conversation-blocks.ts";
import type { OlderBlocks, SessionSnapshot } from "./snapshot.ts";

type Older = SessionSnapshot["older"];

/**
 * Older pages after the state has moved on: what its window let go of joins them, and pages that do not lead up to the
 * window any more are dropped.
 */
export function slideOlder(older: Older, before: SessionState, after: SessionState): Older {
  let next = older;
  for (const [id, part] of Object.entries(older)) {
    const earlier = conversationOf(before, id)?.blocks ?? [];
    const first = conversationOf(after, id)?.blocks[0];
    if (earlier[0]?.id === first?.id) continue;
    const all = [...part.blocks, ...earlier];
    const place = first === undefined ? -1 : all.findIndex((block) => block.id === first.id);
    next = place < 0 ? without(next, id) : { ...next, [id]: { ...part, blocks: all.slice(0, place) } };
  }
  return next;
}

/** Older pages after an event: the state's reducer leaves alone what is outside of its window. */
export function changeOlder(older: Older, { type, data }: LiveEvent): Older {
  if (type === "session:rewound") return {};
  if (type !== "session:block:update" && type !== "session:block:complete") return older;
  const id = data.conversationId;
  const part = older[id];
  const index = part?.blocks.findIndex((block) => block.id === data.blockId) ?? -1;
  const block = part?.blocks[index];
  if (part === undefined || block === undefined) return older;
  const next = "block" in data ? data.block : ({ ...block, ...data.updates } as ConversationBlock);
  const blocks = next.retracted === true ? part.blocks.toSpliced(index, 1) : part.blocks.with(index, next);
  return { ...older, [id]: { ...part, blocks } };
}

/** A page in front of those that are there. */
export function withPage(
  part: OlderBlocks,
  page: { readonly blocks: readonly ConversationBlock[]; readonly before?: string | undefined },
): OlderBlocks {
  const { before } = page;
  return {
    blocks: [...page.blocks, ...part.blocks],
    isLoading: false,
    ...(before === undefined ? {} : { before }),
  };
}

function without(older: Older, id: string): Older {
  const { [id]: _dropped, ...rest } = older;
  return rest;
}
