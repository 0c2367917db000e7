import type { PersistedSessionListData } from "@hhopkins/agent-runtime-protocol";
import { decodeListCursor, encodeListCursor, type ListOrder, type ListPlace } from "./list-cursor.ts";
import type { SessionOverview, SessionListQuery, SessionPage } from "./session-store.ts";

/** One session of a list, with what it is sorted by. */
export interface Listed {
  readonly sessionId: string;
  /** Milliseconds of its latest activity, or else of its creation. */
  readonly sortAt: number;
  /** Milliseconds of its creation. */
  readonly createdMs: number;
  readonly record: PersistedSessionListData;
  readonly overview: SessionOverview;
}

type Placed = ListPlace & { readonly item: Listed };

/** One page of sessions that are all in memory. Throws `invalid_request` for a cursor that is none, or of another order. */
export function listPage(all: readonly Listed[], query: Omit<SessionListQuery, "tenant">): SessionPage {
  const { limit, cursor, order = "activity", filter = {} } = query;
  const after = cursor === undefined ? null : decodeListCursor(cursor, order);
  const fits = filterOf(filter);
  const page: Placed[] = [];
  for (const item of all) {
    const placed = { sessionId: item.sessionId, sortAt: timeOf(item, order), item };
    if (after !== null && !isBelow(placed, after)) continue;
    const last = page.at(-1);
    if (page.length > limit && last !== undefined && !isBelow(last, placed)) continue;
    if (fits(item)) insert(page, placed, limit + 1);
  }
  const shown = page.slice(0, limit);
  const last = shown.at(-1);
  return {
    sessions: shown.map(({ item: { record, overview } }) => ({ ...record, ...overview })),
    ...(last === undefined || page.length <= limit ? {} : { nextCursor: encodeListCursor(last, order) }),
  };
}

function timeOf(item: Listed, order: ListOrder): number {
  return order === "activity" ? item.sortAt : item.createdMs;
}

function isBelow(a: ListPlace, b: ListPlace): boolean {
  return a.sortAt === b.sortAt ? a.sessionId < b.sessionId : a.sortAt < b.sortAt;
}

/** Into a page in its order, which keeps its first `most`. */
function insert(page: Placed[], placed: Placed, most: number): void {
  const [from, to] = [page.findIndex((one) => isBelow(one, placed)), page.length];
  page.splice(from === -1 ? to : from, 0, placed);
  if (page.length > most) page.pop();
}

/** Whether a session is one that a filter lets through. What it does not ask for is not read: reading may copy. */
function filterOf(filter: NonNullable<SessionListQuery["filter"]>): (item: Listed) => boolean {
  const { type, agentProfileReference: profile, isLoaded } = filter;
  const created = range(filter.createdFrom, filter.createdBefore);
  const active = range(filter.activeFrom, filter.activeBefore);
  return (item) =>
    created(item.createdMs) &&
    active(item.sortAt) &&
    (type === undefined || item.record.type === type) &&
    (profile === undefined || item.record.agentProfileReference === profile) &&
    (isLoaded === undefined || item.overview.runtime.isLoaded === isLoaded);
}

function range(from: string | undefined, before: string | undefined): (at: number) => boolean {
  const first = from === undefined ? -Infinity : Date.parse(from);
  const end = before === undefined ? Infinity : Date.parse(before);
  return (at) => at >= first && at < end;
}
