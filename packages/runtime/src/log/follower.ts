import type { SessionKey, SessionStore } from "../persistence/session-store.ts";
import { LogFrame } from "./frame.ts";
import type { LogHub } from "./hub.ts";
import { LiveBuffer } from "./live-buffer.ts";

const PAGE_EVENTS = 256;
/** Characters of payload that a reader is given of a page at once; it may hold them for as long as it takes. */
const PAGE_CHARS = 256 * 1024;

export interface FollowerOptions {
  readonly after: number;
  readonly signal: AbortSignal;
  /** End at this seq instead of going on live. */
  readonly until?: number;
  /** The log's tail, or some earlier one, as it was before. Default: `after`. */
  readonly lastSeq?: number;
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
  const unsubscribe = source.hub.subscribe(key, live, options.lastSeq ?? options.after);
  let cursor = options.after;
  let behind = true;
  try {
    while (!signal.aborted && !live.hasEnded && cursor < until) {
      if (live.mendGap()) behind = true;
      const page: StoredPage | undefined = behind ? await storedPage(source.store, key, cursor) : undefined;
      const frames: readonly LogFrame[] | null = page?.frames ?? live.take(cursor);
      // A page that reached the tail: what was committed after it is in the live buffer.
      behind = frames === null || page?.hasMore === true;
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

export interface StoredPage {
  readonly frames: readonly LogFrame[];
  readonly hasMore: boolean;
}

/** The frames that come next, as many as a reader is given at once. Throws `CursorTooOld`. */
export async function storedPage(store: SessionStore, key: SessionKey, after: number): Promise<StoredPage> {
  const events = await store.events(key, { after, limit: PAGE_EVENTS });
  const frames: LogFrame[] = [];
  let cursor = after;
  let chars = 0;
  for (const { from, ...event } of events) {
    const frame = new LogFrame(event, { from });
    if (frame.first !== cursor + 1) throw new CursorTooOld(key.sessionId, cursor);
    chars += frame.data.length;
    if (frames.length > 0 && chars > PAGE_CHARS) return { frames, hasMore: true };
    frames.push(frame);
    cursor = event.seq;
  }
  return { frames, hasMore: events.length === PAGE_EVENTS };
}
