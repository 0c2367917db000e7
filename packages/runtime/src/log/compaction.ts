import type { SessionEvent } from "@hhopkins/agent-runtime-protocol";
import type { Compaction } from "../persistence/session-store.ts";

/** Events of a log that lie together: deltas of one block, or anything else. All that a compaction looks at. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  /** Of the deltas; absent for anything else. */
  readonly blockId?: string;
}

/** Adds events, which follow on what is there, to a list of stretches. */
export function addStretches(stretches: Stretch[], events: readonly SessionEvent[]): void {
  for (const { seq, type, data } of events) {
    const blockId = type === "session:block:delta" ? data.blockId : undefined;
    const last = stretches.at(-1);
    if (last !== undefined && last.to + 1 === seq && last.blockId === blockId) {
      stretches[stretches.length - 1] = { ...last, to: seq };
    } else stretches.push({ from: seq, to: seq, ...(blockId === undefined ? {} : { blockId }) });
  }
}

/**
 * What is needless of a part of a log: deltas of blocks that are complete, since the complete event has the whole
 * block. `open`: the blocks that are not complete at the log's end; their deltas stay, and the next compaction looks
 * at them again.
 */
export function needless(part: readonly Stretch[], open: ReadonlySet<string>): Compaction {
  const drop: { from: number; to: number }[] = [];
  let upTo: number | undefined;
  for (const { from, to, blockId } of part) {
    if (blockId === undefined) continue;
    if (open.has(blockId)) {
      upTo ??= from - 1;
      continue;
    }
    const last = drop.at(-1);
    if (last !== undefined && last.to + 1 === from) last.to = to;
    else drop.push({ from, to });
  }
  return { drop, upTo: upTo ?? part.at(-1)?.to ?? 0 };
}
