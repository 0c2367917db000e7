import type { Compaction, StoredEvent } from "../persistence/session-store.ts";

/**
 * What is needless of a page of a log: deltas of blocks that are complete, since the complete event has the whole
 * block. `open`: the blocks that are not complete at the log's end; their deltas stay, and the next compaction looks
 * at them again.
 */
export function needless(page: readonly StoredEvent[], open: ReadonlySet<string>): Compaction {
  const drop: { from: number; to: number }[] = [];
  let upTo = page.at(-1)?.seq ?? 0;
  let run: { from: number; to: number } | undefined;
  for (const event of page.toReversed()) {
    const isDelta = event.type === "session:block:delta";
    if (!isDelta || open.has(event.data.blockId)) {
      run = undefined;
      if (isDelta) upTo = event.seq - 1;
    } else if (run === undefined) {
      run = { from: event.seq, to: event.seq };
      drop.unshift(run);
    } else run.from = event.seq;
  }
  return { drop, upTo };
}
