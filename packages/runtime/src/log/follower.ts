import type { SessionKey, SessionStore } from "../persistence/session-store.ts";
import { LogFrame } from "./frame.ts";
import type { LogHub } from "./hub.ts";
import { LiveBuffer } from "./live-buffer.ts";

const PAGE_EVENTS = 256;

export interface FollowerOptions {
  readonly after: number;
  readonly signal: AbortSignal;
  /** End at this seq instead of going on live. */
  readonly until?: number;
}

/**
 * History and live as one stream without a seam: every event with seq > `after`, in order, each once. It subscribes
 * first and then reads the store, so nothing falls between the two; a reader that is too slow for its live buffer is
 * served from the store again, at its own pace.
 */
export async function* followLog(
  source: { store: SessionStore; hub: LogHub },
  key: SessionKey,
  options: FollowerOptions,
): AsyncGenerator<readonly LogFrame[]> {
  const { signal, until = Number.POSITIVE_INFINITY } = options;
  const live = new LiveBuffer();
  const unsubscribe = source.hub.subscribe(key, live);
  let cursor = options.after;
  let behind = true;
  try {
    while (!signal.aborted && !live.hasEnded && cursor < until) {
      if (live.mendGap()) behind = true;
      const frames: readonly LogFrame[] | null = behind ? await storedFrames(source.store, key, cursor) : live.take(cursor);
      // A short page reached the tail: what was committed after it is in the live buffer.
      behind = frames === null || (behind && frames.length === PAGE_EVENTS);
      const last = frames?.at(-1);
      if (frames === null || last === undefined) {
        if (!behind) await live.news(signal);
        continue;
      }
      cursor = last.event.seq;
      yield cursor <= until ? frames : frames.filter((frame) => frame.event.seq <= until);
    }
  } finally {
    unsubscribe();
  }
}

async function storedFrames(store: SessionStore, key: SessionKey, after: number): Promise<readonly LogFrame[]> {
  const events = await store.events(key, { after, limit: PAGE_EVENTS });
  return events.map((event) => new LogFrame(event));
}
