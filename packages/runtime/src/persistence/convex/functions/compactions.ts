/** Drops events that later ones made needless. */
import { v } from "convex/values";
import { mutation, type Writer } from "./access.ts";
import type { Refusal } from "./batches.ts";
import type { Doc } from "./documents.ts";
import { Budget, findLog } from "./logs.ts";
import { splitText } from "./split.ts";
import { dropParts, firstPart, putRest, readParts } from "./texts.ts";

interface StoredEvent {
  readonly seq: number;
  readonly from?: number;
}

type Ranges = readonly { readonly from: number; readonly to: number }[];

/**
 * Drops ranges, from the first on, as far as one transaction goes: `next` is the seq to go on from. What it leaves is a
 * whole log at any time: the event after what was dropped stands for it.
 */
export const compact = mutation(
  {
    key: v.string(),
    drop: v.array(v.object({ from: v.number(), to: v.number() })),
    /** The last number of the whole compaction, of which this may be a part; 0: it drops nothing. */
    last: v.number(),
    upTo: v.number(),
  },
  async (ctx, { key, drop, last, upTo }): Promise<{ refusal: Refusal | null; next: number | null }> => {
    const log = await findLog(ctx, key);
    if (log === null) return { refusal: null, next: null };
    if (last > 0 && last >= log.lastSeq) return { refusal: { kind: "compacts_tail", to: last }, next: null };
    const next = await dropRanges(ctx, log, drop);
    if (next === null && upTo > log.compactedTo) {
      await ctx.db.patch("agentRuntimeLogs", log._id, { compactedTo: upTo });
    }
    return { refusal: null, next };
  },
);

/** Answers with the seq to go on from, or null: all of it is dropped. */
async function dropRanges(ctx: Writer, log: Doc<"agentRuntimeLogs">, drop: Ranges): Promise<number | null> {
  const [first] = drop;
  const end = drop[drop.length - 1]?.to ?? 0;
  if (first === undefined) return null;
  const budget = new Budget();
  let begun: number | null = null;
  let next: number | null = null;
  const rows = ctx.db
    .query("agentRuntimeEvents")
    .withIndex("by_log", (q) => q.eq("log", log._id).gte("last", first.from));
  for await (const row of rows) {
    const parts = await readParts(ctx, { log: log._id, name: `events:${row.last}` }, row);
    budget.spend(row, parts);
    const events = JSON.parse(parts.join("")) as StoredEvent[];
    const left: { kept: StoredEvent[]; begun: number | null } = keptOf(events, next === null ? drop : [], begun);
    begun = left.begun;
    const isSame = left.kept.length === events.length && left.kept.every((event, index) => event === events[index]);
    if (!isSame) await replaceRun(ctx, row, left.kept);
    if (begun === null && (next !== null || row.last >= end)) return next;
    if (budget.spent) next ??= row.last + 1;
    if (begun === null && next !== null) return next;
  }
  return next;
}

/** Events that stay; the first of them after a gap stands for it. `begun`: where a gap has begun that has no such event yet. */
function keptOf(
  events: readonly StoredEvent[],
  drop: Ranges,
  open: number | null,
): { kept: StoredEvent[]; begun: number | null } {
  const kept: StoredEvent[] = [];
  let begun = open;
  let at = 0;
  for (const event of events) {
    while (at < drop.length && (drop[at]?.to ?? 0) < event.seq) at += 1;
    if ((drop[at]?.from ?? Infinity) <= event.seq) {
      begun ??= event.from ?? event.seq;
      continue;
    }
    kept.push(begun === null ? event : { ...event, from: begun });
    begun = null;
  }
  return { kept, begun };
}

async function replaceRun(ctx: Writer, row: Doc<"agentRuntimeEvents">, kept: readonly StoredEvent[]): Promise<void> {
  if (row.more > 0) await dropParts(ctx, row.log, `events:${row.last}`);
  const last = kept[kept.length - 1]?.seq;
  if (last === undefined) return await ctx.db.delete("agentRuntimeEvents", row._id);
  const parts = splitText(JSON.stringify(kept));
  await ctx.db.patch("agentRuntimeEvents", row._id, { last, count: kept.length, ...firstPart(parts) });
  await putRest(ctx, { log: row.log, name: `events:${last}` }, parts);
}
