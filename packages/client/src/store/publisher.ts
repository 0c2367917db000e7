/** Calls `publish` once, soon. */
export type Schedule = (publish: () => void) => void;

/** Milliseconds after which a page without frames (hidden, asleep) is told all the same. */
const HIDDEN_MS = 250;

/** With the screen's next frame; outside of browsers after what is being done now. */
export function nextFrame(publish: () => void): void {
  if (typeof requestAnimationFrame !== "function") {
    queueMicrotask(publish);
    return;
  }
  let isDone = false;
  const once = (): void => {
    if (isDone) return;
    isDone = true;
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    publish();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, HIDDEN_MS);
}
