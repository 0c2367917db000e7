import { useCallback, useRef, useState } from "react";

export interface UseAutoScroll {
  /** For the element that scrolls. */
  readonly ref: (element: HTMLElement | null) => void;
  /** Whether new content keeps coming into view; false while the reader is further up. */
  readonly isAtEnd: boolean;
  readonly scrollToEnd: () => void;
}

/** Pixels from the end that still count as the end. */
const NEAR = 32;

/**
 * Keeps the end of a growing list in view until the reader scrolls up, and again once they are back at the end. What is
 * put in front of the list does not move what they read.
 */
export function useAutoScroll(): UseAutoScroll {
  const [isAtEnd, setIsAtEnd] = useState(true);
  const current = useRef<Scroller | undefined>(undefined);
  const ref = useCallback((element: HTMLElement | null) => {
    current.current?.stop();
    current.current = element === null ? undefined : new Scroller(element, setIsAtEnd);
  }, []);
  return { ref, isAtEnd, scrollToEnd: useCallback(() => current.current?.scrollToEnd(), []) };
}

class Scroller {
  readonly #element: HTMLElement;
  readonly #onChange: (isAtEnd: boolean) => void;
  readonly #observers: readonly { disconnect(): void }[];
  #isAtEnd = true;
  #top = 0;
  /** What the reader looks at, and how far below the upper edge. */
  #anchor: { readonly element: Element; readonly offset: number } | undefined;

  constructor(element: HTMLElement, onChange: (isAtEnd: boolean) => void) {
    this.#element = element;
    this.#onChange = onChange;
    const mutations = new MutationObserver(this.#grown);
    mutations.observe(element, { childList: true, subtree: true, characterData: true });
    this.#observers = [mutations];
    if (typeof ResizeObserver === "function") {
      const sizes = new ResizeObserver(this.#grown);
      sizes.observe(element);
      this.#observers = [mutations, sizes];
    }
    element.addEventListener("scroll", this.#scrolled, { passive: true });
    this.scrollToEnd();
    // Whatever was true of an element before this one.
    onChange(true);
  }

  stop(): void {
    for (const observer of this.#observers) observer.disconnect();
    this.#element.removeEventListener("scroll", this.#scrolled);
  }

  scrollToEnd(): void {
    this.#element.scrollTop = this.#element.scrollHeight;
    this.#top = this.#element.scrollTop;
    this.#set(true);
  }

  readonly #scrolled = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = this.#element;
    // Content that grew since moves the end away; only a reader goes up.
    const isUp = scrollTop < this.#top - 1;
    this.#top = scrollTop;
    if (scrollHeight - scrollTop - clientHeight <= NEAR) this.#set(true);
    else if (isUp) this.#set(false);
    this.#anchor = this.#isAtEnd ? undefined : this.#firstInView();
  };

  readonly #grown = (): void => {
    if (this.#isAtEnd) {
      this.scrollToEnd();
      return;
    }
    const anchor = this.#anchor;
    if (anchor === undefined || !anchor.element.isConnected) return;
    // Zero where the browser has kept the place by itself.
    const moved = this.#offsetOf(anchor.element) - anchor.offset;
    if (Math.abs(moved) < 1) return;
    this.#element.scrollTop += moved;
    this.#top = this.#element.scrollTop;
  };

  #firstInView(): { element: Element; offset: number } | undefined {
    for (const element of this.#element.children) {
      const offset = this.#offsetOf(element);
      if (offset + element.getBoundingClientRect().height > 0) return { element, offset };
    }
    return undefined;
  }

  #offsetOf(element: Element): number {
    return element.getBoundingClientRect().top - this.#element.getBoundingClientRect().top;
  }

  #set(isAtEnd: boolean): void {
    if (this.#isAtEnd === isAtEnd) return;
    this.#isAtEnd = isAtEnd;
    this.#onChange(isAtEnd);
  }
}
