import type { FunctionArgs } from "convex/server";
import { decodeListCursor, encodeListCursor } from "../list-cursor.ts";
import { parsedOverview, type OverviewJson } from "../session-overview.ts";
import type { SessionKey, SessionListQuery, SessionPage, SessionStore, StoredSandbox } from "../session-store.ts";
import type { ConvexApi, ConvexCalls } from "./client.ts";
import { recordOf } from "./records.ts";
import { parseParts, storable } from "./texts.ts";

type Query = FunctionArgs<ConvexApi["lists"]["list"]>["query"];
type Place = NonNullable<Query["after"]>;

/** Lists of sessions. A call looks at so many sessions at most, so a filter that lets few through takes several. */
export function convexLists(calls: ConvexCalls): Pick<SessionStore, "list" | "claimed"> {
  return {
    list: (query) => list(calls, query),
    claimed: async () => {
      const sessions: (SessionKey & { sandbox: StoredSandbox | null })[] = [];
      let after = "";
      for (let more = true; more;) {
        const page = await calls.query((api) => api.lists.held, { after });
        for (const row of page.found) sessions.push(claimedOf(row));
        after = page.found.at(-1)?.key ?? after;
        more = page.more;
      }
      return sessions;
    },
  };
}

/** A session with its sandbox, as it is stored. */
export function claimedOf({ tenant, sessionId, sandbox }: SessionKey & { sandbox: string | null }) {
  const parsed = sandbox === null ? null : parseParts<StoredSandbox>([sandbox], `session ${sessionId}`);
  return { tenant, sessionId, sandbox: parsed };
}

async function list(calls: ConvexCalls, listed: SessionListQuery): Promise<SessionPage> {
  const { limit, cursor, order = "activity" } = listed;
  const query = wireQuery(listed);
  const sessions: { item: SessionPage["sessions"][number]; place: Place }[] = [];
  let after: Place | null = null;
  if (cursor !== undefined) {
    const { sortAt, sessionId } = decodeListCursor(cursor, order);
    after = { time: sortAt, sessionId };
  }
  do {
    const args = { query: { ...query, after, limit: limit + 1 - sessions.length } };
    const page = await calls.query((api) => api.lists.list, args);
    for (const { place, ...row } of page.found) {
      const overview = parsedOverview(parseParts<OverviewJson>([row.runtime], `session ${row.sessionId}`));
      sessions.push({ item: { ...recordOf(row), ...overview }, place });
    }
    after = page.next;
  } while (after !== null && sessions.length <= limit);
  const shown = sessions.slice(0, limit);
  const last = shown.at(-1)?.place;
  return {
    sessions: shown.map(({ item }) => item),
    ...(last === undefined || sessions.length <= limit
      ? {}
      : { nextCursor: encodeListCursor({ sortAt: last.time, sessionId: last.sessionId }, order) }),
  };
}

function wireQuery({ tenant, order, filter = {} }: SessionListQuery): Omit<Query, "limit" | "after"> {
  const { type, agentProfileReference: profile, isLoaded } = filter;
  return {
    tenant,
    order: order === "created" ? "created" : "active",
    ...(type === undefined ? {} : { type: storable(type) }),
    ...(profile === undefined ? {} : { profile: storable(profile) }),
    ...(isLoaded === undefined ? {} : { loaded: isLoaded }),
    created: { from: timeOf(filter.createdFrom), before: timeOf(filter.createdBefore) },
    active: { from: timeOf(filter.activeFrom), before: timeOf(filter.activeBefore) },
  };
}

function timeOf(text: string | undefined): number | null {
  return text === undefined ? null : Date.parse(text);
}
