import type { Compaction } from "./session-store.ts";
import { compactsTail } from "./store-errors.ts";

/** An event of a list in memory, in order of its number. */
interface Numbered {
  readonly seq: number;
  readonly from?: number;
}

/** The events after a number; since events may be missing, their place is searched for. */
export function eventsAfter<E extends Numbered>(events: readonly E[], page: { after: number; limit: number }): E[] {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle]?.seq ?? 0) <= page.after) low = middle + 1;
    else high = middle;
  }
  return events.slice(low, Math.min(events.length, low + page.limit));
}

/** The event as a reader at `after` needs it: it stands for nothing that the reader has. */
export function clipped<E extends Numbered>(event: E, after: number): E {
  const { from, ...rest } = event;
  if (from === undefined || after < from) return event;
  return after + 1 < event.seq ? { ...event, from: after + 1 } : (rest as E);
}

/** The list without what is dropped. Throws `invalid_request` where a range reaches the last event. */
export function compactedEvents<E extends Numbered>(events: readonly E[], drop: Compaction["drop"]): E[] {
  const last = events.at(-1)?.seq ?? 0;
  for (const { to } of drop) if (to >= last) throw compactsTail(to);
  const kept: E[] = [];
  let at = 0;
  let begun = 0;
  for (const event of events) {
    while ((drop[at]?.to ?? Infinity) < event.seq) at += 1;
    if ((drop[at]?.from ?? Infinity) <= event.seq) {
      if (begun === 0) begun = event.from ?? event.seq;
      continue;
    }
    kept.push(begun === 0 ? event : { ...event, from: begun });
    begun = 0;
  }
  return kept;
}
