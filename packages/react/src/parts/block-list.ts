import type { ShownBlock } from "@hhopkins/agent-runtime-client";
import { MAIN_CONVERSATION } from "@hhopkins/agent-runtime-protocol";
import { createElement, memo, useRef } from "react";
import type { HTMLAttributes, ReactElement, ReactNode, UIEvent } from "react";
import { useBlock, useBlockIds, useOlder } from "../use-messages.ts";
import { useAutoScroll } from "./use-auto-scroll.ts";

export interface BlockListProps extends Omit<HTMLAttributes<HTMLDivElement>, "children"> {
  readonly sessionId: string | undefined;
  /** `main`, or a subagent's id. */
  readonly conversationId?: string;
  /** Renders one block. Keep the function's identity (`useCallback`, or a function of the module): a new one renders all. */
  readonly children: (block: ShownBlock, state: { readonly isStreaming: boolean }) => ReactNode;
}

/** Pixels from the upper edge at which older blocks are fetched. */
const NEAR_TOP = 200;

/**
 * A conversation in an element that scrolls: the end stays in view unless the reader is further up, and who scrolls up to
 * the first block is brought older ones (`useOlder` beside it says where that fails). It has no looks: give it a height
 * and `overflow: auto`.
 */
export function BlockList(props: BlockListProps): ReactElement {
  const { sessionId, conversationId = MAIN_CONVERSATION, children, onScroll, ...rest } = props;
  const ids = useBlockIds(sessionId, { conversationId });
  const { hasOlder, olderError, loadOlder } = useOlder(sessionId, { conversationId });
  const { ref } = useAutoScroll();
  const wasNear = useRef(false);
  const scrolled = (event: UIEvent<HTMLDivElement>): void => {
    onScroll?.(event);
    const isNear = event.currentTarget.scrollTop < NEAR_TOP;
    // What failed is asked for once more when the reader comes back, and not with each move.
    const isWorthIt = olderError === undefined || !wasNear.current;
    wasNear.current = isNear;
    if (hasOlder && isNear && isWorthIt) void loadOlder();
  };
  return createElement(
    "div",
    { role: "log", ...rest, ref, onScroll: scrolled },
    ids.map((blockId) =>
      createElement(BlockSlot, { key: blockId, sessionId, conversationId, blockId, render: children }),
    ),
  );
}

interface BlockSlotProps {
  readonly sessionId: string | undefined;
  readonly conversationId: string;
  readonly blockId: string;
  readonly render: BlockListProps["children"];
}

const BlockSlot = memo(function BlockSlot({ sessionId, conversationId, blockId, render }: BlockSlotProps): ReactNode {
  const { block, isStreaming } = useBlock(sessionId, blockId, { conversationId });
  return block === undefined ? null : render(block, { isStreaming });
});
