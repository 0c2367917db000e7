import type { SessionEvent, SessionState } from "@hhopkins/agent-runtime-protocol";
import { setImmediate as nextTurn } from "node:timers/promises";
import { failpoint } from "../failpoint.ts";
import type { Logger } from "../logger.ts";
import type { SessionKey, SessionStore } from "../persistence/session-store.ts";
import { addStretches, needless, type Stretch } from "./compaction.ts";

/** Events of one step: what the store is kept from other work is bounded by it. */
const STEP_EVENTS = 256;
/** Stretches that are noted; with more, those of before are read from the store when their time comes. */
const MOST_NOTED = 4096;

/** Events at a log's end that stay whole: a client that keeps up, or was away for a moment, gets every delta. */
export const COMPACT_AFTER_EVENTS = 1024;

export interface CompactorParts {
  readonly store: SessionStore;
  readonly compactAfter?: number;
  readonly log?: Pick<Logger, "warn">;
}

/**
 * Drops from one session's log what nobody needs any more, in the background and beside appends. It may end anywhere:
 * each step leaves a log that says the same, and the next run goes on where the last one came to.
 */
export class Compactor {
  readonly #key: SessionKey;
  readonly #parts: CompactorParts;
  #done: number;
  #running: Promise<void> | undefined;
  #resting = false;
  /** The end of the log as it was appended here, without a gap. */
  #noted: Stretch[] = [];

  constructor(key: SessionKey, parts: CompactorParts, compactedTo: number) {
    this.#key = key;
    this.#parts = parts;
    this.#done = compactedTo;
  }

  /** Takes note of what was appended, so that it need not be read again to be dropped. */
  note(events: readonly SessionEvent[]): void {
    if (this.#noted.length > MOST_NOTED) this.#noted = [];
    addStretches(this.#noted, events);
  }

  /** Begins, where there is enough to do and nothing runs. `state` is the committed one. */
  start(state: SessionState): void {
    const { compactAfter = COMPACT_AFTER_EVENTS, log } = this.#parts;
    const upTo = state.lastSeq - compactAfter;
    if (this.#running !== undefined || upTo - this.#done < Math.min(compactAfter, STEP_EVENTS)) return;
    this.#resting = false;
    this.#running = this.#run(upTo, new Set(state.streamingBlockIds))
      .catch((error: unknown) => {
        log?.warn(
          { err: error, sessionId: this.#key.sessionId },
          "a log could not be compacted; the next turn tries again",
        );
      })
      .finally(() => (this.#running = undefined));
  }

  /** Resolves when nothing runs any more; what is left to do waits for the next `start`. */
  async rest(): Promise<void> {
    this.#resting = true;
    await this.#running;
  }

  async #run(upTo: number, open: ReadonlySet<string>): Promise<void> {
    let isWhole = true;
    for (let at = this.#done; at < upTo && !this.#resting;) {
      const part = await this.#partAfter(at, Math.min(upTo, at + STEP_EVENTS));
      const end = part.at(-1)?.to;
      if (end === undefined) return;
      const compaction = needless(part, open);
      // Deltas of an open block stand in the way: there the next run begins.
      const done = isWhole ? compaction.upTo : this.#done;
      isWhole &&= compaction.upTo === end;
      failpoint("compaction:before");
      await this.#parts.store.compact(this.#key, { ...compaction, upTo: done });
      failpoint("compaction:after");
      this.#done = done;
      at = end;
      await nextTurn();
    }
    const { length } = this.#noted;
    const kept = this.#noted.findIndex(({ to }) => to > this.#done);
    this.#noted.splice(0, kept < 0 ? length : kept);
  }

  /** The log after `at`, up to `upTo` at most: as it was noted, or else from the store. */
  async #partAfter(at: number, upTo: number): Promise<readonly Stretch[]> {
    if ((this.#noted[0]?.from ?? Infinity) <= at + 1) {
      return this.#noted
        .filter(({ from, to }) => to > at && from <= upTo)
        .map((stretch) => ({ ...stretch, from: Math.max(stretch.from, at + 1), to: Math.min(stretch.to, upTo) }));
    }
    const events = await this.#parts.store.events(this.#key, { after: at, limit: STEP_EVENTS });
    const part: Stretch[] = [];
    addStretches(
      part,
      events.filter(({ seq }) => seq <= upTo || seq === events[0]?.seq),
    );
    return part;
  }
}
