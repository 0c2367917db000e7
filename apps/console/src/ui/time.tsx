import { useSyncExternalStore } from "react";
import { agoText, timeText } from "./format.ts";

const STEP_MS = 15_000;
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** One clock for the page, and none while nobody looks at it. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const tell of listeners) tell();
  }, STEP_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** How long ago something was, kept up to date; the time itself on pointing at it. */
export function Ago({ at }: { readonly at: string }) {
  const text = useSyncExternalStore(subscribe, () => agoText(at, Math.max(now, Date.now() - STEP_MS)));
  return (
    <time dateTime={at} title={timeText(at)}>
      {text}
    </time>
  );
}
