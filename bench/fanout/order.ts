/** What a feed is to say in a turn; the message's content as JSON. */
export interface Order {
  readonly deltas: number;
  /** Characters of a delta. */
  readonly chars: number;
  /** Stands in the last delta, with a bar on either side: the order itself is in the log too, and is no delta. */
  readonly end: string;
  /** As fast as they are taken where absent; else each says when it was written, as `@<ns>;` of the monotonic clock. */
  readonly perSecond?: number;
  /** What the deltas are slices of, over and over, in place of letters that say nothing, or of the times. */
  readonly text?: string;
  /** Deltas of a block, whose end then carries the whole text. Without it one block has all, and ends empty. */
  readonly blockDeltas?: number;
}

export function endWord({ end }: Pick<Order, "end">): string {
  return `|${end}|`;
}
