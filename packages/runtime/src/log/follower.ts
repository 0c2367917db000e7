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

/** The store does not have what comes after the cursor, and nothing that stands for it. */
export class CursorTooOld extends Error {
  constructor(sessionId: string, after: number) {
    super(`The log of session ${sessionId} has nothing that comes next after ${after}.`);
  }
}

/**
 * History and live as one stream without a seam: every event with seq > `after`, in order, each once, or one that
 * stands for several (`first`). It subscribes first and then reads the store, so nothing falls between the two; a
 * reader that is too slow for its live buffer is served from the store again, at its own pace. Throws `CursorTooOld`
 * rather than leave a hole.
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
      const page: readonly LogFrame[] | undefined = behind ? await storedFrames(source.store, key, cursor) : undefined;
      const frames: readonly LogFrame[] | null = page ?? live.take(cursor);
      // A short page reached the tail: what was committed after it is in the live buffer.
      behind = frames === null || page?.length === PAGE_EVENTS;
      const last = frames?.at(-1);
      if (frames === null || last === undefined) {
        if (!behind) await live.news(signal);
        continue;
      }
      cursor = last.event.seq;
      yield cursor <= until ? frames : frames.filter((frame) => frame.first <= until);
    }
  } finally {
    unsubscribe();
  }
}

async function storedFrames(store: SessionStore, key: SessionKey, after: number): Promise<readonly LogFrame[]> {
  const events = await store.events(key, { after, limit: PAGE_EVENTS });
  let cursor = after;
  return events.map(({ from, ...event }) => {
    const frame = new LogFrame(event, { from });
    if (frame.first !== cursor + 1) throw new CursorTooOld(key.sessionId, cursor);
    cursor = event.seq;
    return frame;
  });
}
