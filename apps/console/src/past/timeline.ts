import {
  initialState,
  MAIN_CONVERSATION,
  reduce,
  type BlocksPage,
  type ConversationBlock,
  type SessionEvent,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";

/** Events between two states that are kept: going to any place of a log costs at most so many steps. */
const KEYFRAME_EVERY = 500;
/** Blocks of a page of older ones. */
const PAGE = 100;

/** A log from its first event on, and the state at each of its places. */
export class Timeline {
  readonly #events: SessionEvent[] = [];
  /** The state before event `n * KEYFRAME_EVERY`. */
  readonly #keyframes: SessionState[];
  #last: SessionState;
  /** Blocks that have left their windows, by the block after them, with the place of the event that did it. */
  readonly #left = new Map<string, readonly { readonly at: number; readonly block: ConversationBlock }[]>();

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
      const before = this.#last;
      this.#last = reduce(before, event);
      this.#noteLeft(before, this.#last);
      this.#events.push(event);
      if (this.#events.length % KEYFRAME_EVERY === 0) this.#keyframes.push(this.#last);
    }
  }

  /** `reduce` over all events up to `seq`. */
  at(seq: number): SessionState {
    return this.#stateAfter(countUpTo(this.#events, seq));
  }

  /** Remembers blocks that were in a window and are not any more. */
  #noteLeft(before: SessionState, after: SessionState): void {
    if (before.blocks !== after.blocks) this.#noteLeftOf(MAIN_CONVERSATION, before.blocks, after.blocks);
    if (before.subagents === after.subagents) return;
    for (const { id, blocks } of after.subagents)
      this.#noteLeftOf(id, before.subagents.find((known) => known.id === id)?.blocks ?? [], blocks);
  }

  #noteLeftOf(conversationId: string, before: readonly ConversationBlock[], after: readonly ConversationBlock[]): void {
    const first = after[0]?.id;
    if (first === undefined || before[0]?.id === first) return;
    const count = before.findIndex(({ id }) => id === first);
    for (const [index, block] of before.slice(0, Math.max(0, count)).entries()) {
      const key = leftKey(conversationId, before[index + 1]?.id ?? first);
      this.#left.set(key, [...(this.#left.get(key) ?? []), { at: this.#events.length, block }]);
    }
  }

  #stateAfter(count: number): SessionState {
    if (count === this.#events.length) return this.#last;
    const keyframe = Math.floor(count / KEYFRAME_EVERY);
    let state = this.#keyframes[keyframe] ?? this.#last;
    for (const event of this.#events.slice(keyframe * KEYFRAME_EVERY, count)) state = reduce(state, event);
    return state;
  }

  /** A page of the blocks before one that a conversation's window begins with at `seq`, as they were when they left it. */
  blocksBefore(seq: number, conversationId: string, before: string): BlocksPage {
    const count = countUpTo(this.#events, seq);
    const blocks: ConversationBlock[] = [];
    let first = before;
    for (;;) {
      const next = this.#left.get(leftKey(conversationId, first))?.findLast((block) => block.at < count)?.block;
      if (next === undefined) return { blocks: blocks.reverse() };
      if (blocks.length === PAGE) return { blocks: blocks.reverse(), before: first };
      blocks.push(next);
      first = next.id;
    }
  }

  /** The event at `seq`, or the last one before it. */
  eventAt(seq: number): SessionEvent | undefined {
    return this.#events[countUpTo(this.#events, seq) - 1];
  }
}

function leftKey(conversationId: string, next: string): string {
  return `${conversationId}\n${next}`;
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
