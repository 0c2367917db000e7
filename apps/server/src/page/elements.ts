interface Look {
  readonly class?: string;
  readonly testId?: string;
  /** Shown as it is: nothing in it is ever markup. */
  readonly text?: string;
}

/** A new element. Content goes in as text only. */
export function make<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  look: Look = {},
  children: readonly Node[] = [],
): HTMLElementTagNameMap[T] {
  const element = document.createElement(tag);
  if (look.class !== undefined) element.className = look.class;
  if (look.testId !== undefined) element.dataset.testid = look.testId;
  if (look.text !== undefined) element.textContent = look.text;
  element.append(...children);
  return element;
}

/** An element that the page's HTML has. */
export function byId<T extends HTMLElement>(id: string, type: abstract new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new TypeError(`The page has no ${id}.`);
  return element;
}

/** Writes a text where it differs, so that selections survive. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Makes `wanted` the children of `parent`, in order, and leaves alone those that are in place. */
export function setChildren(parent: Element, wanted: readonly Element[]): void {
  for (const [index, child] of wanted.entries()) {
    const there = parent.children[index];
    if (there !== child) parent.insertBefore(child, there ?? null);
  }
  while (parent.children.length > wanted.length) parent.lastElementChild?.remove();
}
