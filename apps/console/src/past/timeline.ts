import { initialState, reduce, type SessionEvent, type SessionState } from "@hhopkins/agent-runtime-protocol";

/** Events between two states that are kept: going to any place of a log costs at most so many steps. */
const KEYFRAME_EVERY = 500;

/** A log from its first event on, and the state at each of its places. */
export class Timeline {
  readonly #events: SessionEvent[] = [];
  /** The state before event `n * KEYFRAME_EVERY`. */
  readonly #keyframes: SessionState[];
  #last: SessionState;

  constructor(sessionId: string, logId: string) {
    this.#last = initialState(sessionId, logId);
    this.#keyframes = [this.#last];
  }

  get lastSeq(): number {
    return this.#last.lastSeq;
  }

  /** Goes on with what follows; what it has already is left out. */
  append(events: readonly SessionEvent[]): void {
    for (const event of events) {
      if (event.seq <= this.#last.lastSeq) continue;
      this.#events.push(event);
      this.#last = reduce(this.#last, event);
      if (this.#events.length % KEYFRAME_EVERY === 0) this.#keyframes.push(this.#last);
    }
  }

  /** `reduce` over all events up to `seq`. */
  at(seq: number): SessionState {
    const count = countUpTo(this.#events, seq);
    if (count === this.#events.length) return this.#last;
    const keyframe = Math.floor(count / KEYFRAME_EVERY);
    let state = this.#keyframes[keyframe] ?? this.#last;
    for (const event of this.#events.slice(keyframe * KEYFRAME_EVERY, count)) state = reduce(state, event);
    return state;
  }

  /** The event at `seq`, or the last one before it. */
  eventAt(seq: number): SessionEvent | undefined {
    return this.#events[countUpTo(this.#events, seq) - 1];
  }
}

/** How many events of a log have happened at `seq`. */
export function countUpTo(events: readonly { readonly seq: number }[], seq: number): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle]?.seq ?? Infinity) <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
