/** Lists of sessions. */
import { v, type Infer } from "convex/values";
import { query, type Reader } from "./access.ts";
import type { Doc } from "./documents.ts";
import { Budget } from "./logs.ts";
import { recordOf, type StoredRecord } from "./reads.ts";

const place = v.object({ time: v.number(), sessionId: v.string() });
const maybeNumber = v.union(v.number(), v.null());
const order = v.union(v.literal("active"), v.literal("created"));
const listQuery = v.object({
  tenant: v.string(),
  order,
  limit: v.number(),
  after: v.union(place, v.null()),
  type: v.optional(v.string()),
  profile: v.optional(v.string()),
  loaded: v.optional(v.boolean()),
  /** Milliseconds: from then on, and before then. */
  created: v.object({ from: maybeNumber, before: maybeNumber }),
  active: v.object({ from: maybeNumber, before: maybeNumber }),
});
type ListQuery = Infer<typeof listQuery>;
type Place = Infer<typeof place>;
type Session = Doc<"agentRuntimeSessions">;

/** Newest first. `next`: the list goes on after it, and may have nothing more. */
export const list = query(
  { query: listQuery },
  async (ctx, args): Promise<{ found: (StoredRecord & { place: Place })[]; next: Place | null }> => {
    const { order: by, limit, after } = args.query;
    const found: (StoredRecord & { place: Place })[] = [];
    const budget = new Budget();
    const ranges = after === null ? [rows(ctx, args.query, null)] : rangesAfter(ctx, args.query, after);
    for (const range of ranges) {
      for await (const session of range) {
        budget.spend(session);
        const at = { time: session[by], sessionId: session.sessionId };
        if (fits(session, args.query)) found.push({ ...recordOf(session), place: at });
        if (found.length >= limit || budget.spent) return { found, next: at };
      }
    }
    return { found, next: null };
  },
);

/** First those of the same time, then the earlier ones. */
function rangesAfter(ctx: Reader, listed: ListQuery, after: Place) {
  return [rows(ctx, listed, after), rows(ctx, { ...listed, ...before(listed, after.time) }, null)];
}

function before(listed: ListQuery, time: number): Partial<ListQuery> {
  return listed.order === "active"
    ? { active: { ...listed.active, before: time } }
    : { created: { ...listed.created, before: time } };
}

/** Sessions of the query's time, newest first; with `same`: those of its time alone, below its id. */
function rows(ctx: Reader, listed: ListQuery, same: Place | null) {
  const { tenant, loaded } = listed;
  const from = (listed.order === "active" ? listed.active : listed.created).from ?? Number.MIN_SAFE_INTEGER;
  const end = (listed.order === "active" ? listed.active : listed.created).before ?? Number.MAX_SAFE_INTEGER;
  const sessions = ctx.db.query("agentRuntimeSessions");
  if (listed.order === "active") {
    const indexed =
      loaded === undefined
        ? sessions.withIndex("by_active", (q) => {
            const all = q.eq("tenant", tenant);
            return same === null
              ? all.gte("active", from).lt("active", end)
              : all.eq("active", same.time).lt("sessionId", same.sessionId);
          })
        : sessions.withIndex("by_loaded_active", (q) => {
            const all = q.eq("tenant", tenant).eq("loaded", loaded);
            return same === null
              ? all.gte("active", from).lt("active", end)
              : all.eq("active", same.time).lt("sessionId", same.sessionId);
          });
    return indexed.order("desc");
  }
  const indexed =
    loaded === undefined
      ? sessions.withIndex("by_created", (q) => {
          const all = q.eq("tenant", tenant);
          return same === null
            ? all.gte("created", from).lt("created", end)
            : all.eq("created", same.time).lt("sessionId", same.sessionId);
        })
      : sessions.withIndex("by_loaded_created", (q) => {
          const all = q.eq("tenant", tenant).eq("loaded", loaded);
          return same === null
            ? all.gte("created", from).lt("created", end)
            : all.eq("created", same.time).lt("sessionId", same.sessionId);
        });
  return indexed.order("desc");
}

function fits(session: Session, { type, profile, created, active }: ListQuery): boolean {
  return (
    (type === undefined || session.type === type) &&
    (profile === undefined || session.profile === profile) &&
    isWithin(session.created, created) &&
    isWithin(session.active, active)
  );
}

function isWithin(time: number, { from, before: end }: ListQuery["created"]): boolean {
  return (from === null || time >= from) && (end === null || time < end);
}

/** Sessions of all tenants that are loaded or have a sandbox, those after the key `after`. */
export const held = query({ after: v.string() }, async (ctx, { after }) => {
  const found: { key: string; tenant: string; sessionId: string; sandbox: string | null }[] = [];
  const budget = new Budget();
  const rest = ctx.db.query("agentRuntimeLogs").withIndex("by_held", (q) => q.eq("held", true).gt("key", after));
  for await (const log of rest) {
    budget.spend(log);
    found.push({ key: log.key, tenant: log.tenant, sessionId: log.sessionId, sandbox: log.sandbox });
    if (budget.spent) return { found, more: true };
  }
  return { found, more: false };
});
