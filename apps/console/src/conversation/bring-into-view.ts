import type { ConversationList } from "./use-conversation-list.ts";

/** Frames in which heights that were guessed become known, and move what is below. */
const MOST_FRAMES = 60;
/** Frames that it has to stay in view. */
const STEADY_FRAMES = 5;

/** Goes to an item, and again as long as what is measured on the way moves it; the reader's own scrolling ends that. */
export function bringIntoView({ ids, scroller, virtualizer }: ConversationList, itemId: string): void {
  const index = ids.indexOf(itemId);
  if (index < 0) return;
  const reader = new AbortController();
  for (const kind of ["wheel", "touchstart", "keydown", "pointerdown"])
    addEventListener(kind, () => reader.abort(), { once: true, passive: true, signal: reader.signal });
  let steady = 0;
  const step = (frames: number): void => {
    if (reader.signal.aborted) return;
    steady = isInView(scroller.current, itemId) ? steady + 1 : 0;
    if (steady === 0) virtualizer.scrollToIndex(index, { align: "center" });
    if (steady >= STEADY_FRAMES || frames === 0) reader.abort();
    else requestAnimationFrame(() => step(frames - 1));
  };
  requestAnimationFrame(() => step(MOST_FRAMES));
}

function isInView(list: HTMLElement | null, itemId: string): boolean {
  const item = list?.querySelector(`[data-item="${CSS.escape(itemId)}"]`);
  if (list === null || item === null || item === undefined) return false;
  const [outer, inner] = [list.getBoundingClientRect(), item.getBoundingClientRect()];
  return inner.bottom > outer.top && inner.top < outer.bottom;
}
