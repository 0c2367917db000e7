import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import { setImmediate as nextTurn } from "node:timers/promises";
import { failpoint } from "../failpoint.ts";
import type { Logger } from "../logger.ts";
import type { SessionKey, SessionStore } from "../persistence/session-store.ts";
import { needless } from "./compaction.ts";

/** Events that are looked at in one go: what the store is kept from other work is bounded by it. */
const PAGE_EVENTS = 256;

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

  constructor(key: SessionKey, parts: CompactorParts, compactedTo: number) {
    this.#key = key;
    this.#parts = parts;
    this.#done = compactedTo;
  }

  /** Begins, where there is enough to do and nothing runs. `state` is the committed one. */
  start(state: SessionState): void {
    const { compactAfter = COMPACT_AFTER_EVENTS, log } = this.#parts;
    const upTo = state.lastSeq - compactAfter;
    if (this.#running !== undefined || upTo - this.#done < Math.min(compactAfter, PAGE_EVENTS)) return;
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
    const { store } = this.#parts;
    let isWhole = true;
    for (let at = this.#done; at < upTo && !this.#resting;) {
      const events = await store.events(this.#key, { after: at, limit: PAGE_EVENTS });
      const page = events.filter((event) => event.seq <= upTo);
      const last = page.at(-1);
      if (last === undefined) return;
      const compaction = needless(page, open);
      // Deltas of an open block stand in the way: there the next run begins.
      if (isWhole) this.#done = compaction.upTo;
      isWhole &&= compaction.upTo === last.seq;
      failpoint("compaction:before");
      await store.compact(this.#key, { ...compaction, upTo: this.#done });
      failpoint("compaction:after");
      at = last.seq;
      await nextTurn();
    }
  }
}
