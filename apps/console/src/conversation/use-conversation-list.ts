import {
  shallowEqual,
  useConversationItemIds,
  useOlder,
  useSessionSelector,
  type SessionSnapshot,
} from "@hhopkins/agent-runtime-react";
import { useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { RefObject } from "react";

/** Pixels from the end that still count as the end. */
const NEAR_END = 48;
/** Pixels from the beginning at which older blocks are fetched. */
const NEAR_TOP = 800;
/** Before an item is measured. */
const GUESSED_HEIGHT = 72;

export interface ConversationList {
  readonly ids: readonly string[];
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly virtualizer: Virtualizer<HTMLDivElement, Element>;
  /** What comes now comes into view; false while the reader is further up. */
  readonly isAtEnd: boolean;
  /** Items that have come below since the reader left the end. */
  readonly newCount: number;
  readonly toEnd: () => void;
  readonly onScroll: () => void;
  readonly older: ReturnType<typeof useOlder>;
}

/** A conversation of any length in an element that scrolls: what is in view exists, the rest is a height. */
export function useConversationList(sessionId: string, conversationId: string): ConversationList {
  const ids = useShownIds(sessionId, conversationId);
  const older = useOlder(sessionId, { conversationId });
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer<HTMLDivElement, Element>({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => GUESSED_HEIGHT,
    getItemKey: useCallback((index: number) => ids[index] ?? index, [ids]),
    overscan: 6,
    anchorTo: "end",
    followOnAppend: true,
    scrollEndThreshold: NEAR_END,
  });
  const [isAtEnd, setAtEnd] = useState(true);
  const [leftAt, setLeftAt] = useState<string>();
  const [isPlaced, setPlaced] = useState(false);

  const toEnd = useCallback(() => {
    virtualizer.scrollToEnd();
    setAtEnd(true);
  }, [virtualizer]);
  const hasItems = ids.length > 0;
  useLayoutEffect(() => {
    if (!hasItems) return;
    virtualizer.scrollToEnd();
    // From now on a place near the top is where the reader is.
    const frame = requestAnimationFrame(() => requestAnimationFrame(() => setPlaced(true)));
    return () => cancelAnimationFrame(frame);
  }, [virtualizer, hasItems]);

  // What stands below may grow, such as with an ask: the end stays in view.
  useEffect(() => {
    const element = scroller.current;
    if (element === null || !isAtEnd) return;
    const observer = new ResizeObserver(() => virtualizer.scrollToEnd());
    observer.observe(element);
    return () => observer.disconnect();
  }, [virtualizer, isAtEnd]);

  // Who says something wants to see it, and what comes of it.
  const said = useSessionSelector(sessionId, lastSaid);
  useEffect(() => {
    if (said !== undefined && isPlaced) toEnd();
  }, [said, isPlaced, toEnd]);

  const { loadOlder } = older;
  // What failed waits for the reader: see `Older` in conversation.tsx.
  const isWanting = older.hasOlder && !older.isLoadingOlder && older.olderError === undefined;
  const last = ids.at(-1);
  const onScroll = useCallback(() => {
    const element = scroller.current;
    if (element === null || !isPlaced) return;
    const { scrollTop, scrollHeight, clientHeight } = element;
    const next = scrollHeight - scrollTop - clientHeight <= NEAR_END;
    setAtEnd(next);
    setLeftAt((before) => (next ? undefined : (before ?? last)));
    if (isWanting && scrollTop < NEAR_TOP) void loadOlder();
  }, [last, isPlaced, isWanting, loadOlder]);

  // A window of folded items may not fill the screen: then there is nothing to scroll.
  const height = virtualizer.getTotalSize();
  useEffect(() => {
    const element = scroller.current;
    if (element === null || !isPlaced || !isWanting) return;
    if (height > 0 && height <= element.clientHeight) void loadOlder();
  }, [height, isPlaced, isWanting, loadOlder]);

  const place = leftAt === undefined ? -1 : ids.lastIndexOf(leftAt);
  const newCount = isAtEnd || place < 0 ? 0 : ids.length - 1 - place;
  return { ids, scroller, virtualizer, isAtEnd, newCount, toEnd, onScroll, older };
}

/** Without our own messages that wait for their turn: those stand in the queue, where they can be changed. */
function useShownIds(sessionId: string, conversationId: string): readonly string[] {
  const ids = useConversationItemIds(sessionId, { conversationId });
  const queued = useSessionSelector(sessionId, queuedOf, shallowEqual);
  return useMemo(() => (queued.length === 0 ? ids : ids.filter((id) => !queued.includes(id))), [ids, queued]);
}

function lastSaid({ pending }: SessionSnapshot): string | undefined {
  return pending.at(-1)?.id;
}

function queuedOf({ state }: SessionSnapshot): readonly string[] {
  return state?.queue.map(({ messageId }) => messageId) ?? [];
}
