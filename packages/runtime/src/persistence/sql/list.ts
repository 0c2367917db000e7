import type { ReferenceExpression } from "kysely";
import { decodeListCursor, encodeListCursor } from "../list-cursor.ts";
import type { SessionListQuery, SessionPage } from "../session-store.ts";
import { parsedOverview, type OverviewJson } from "../session-overview.ts";
import { decodeJson, decodeRecord } from "./rows.ts";
import type { Db, Tables } from "./schema.ts";

/** The column of each order. */
const BY = { activity: "sort_at", created: "created_ms" } as const;

/** A page of sessions. What the filter does not name is not in the statement, so that the index of the order serves it. */
export async function sqlList(db: Db, query: SessionListQuery): Promise<SessionPage> {
  const { tenant, limit, cursor, order = "activity", filter = {} } = query;
  const by = BY[order];
  const after = cursor === undefined ? null : decodeListCursor(cursor, order);
  let rows = db.selectFrom("sessions").selectAll().where("tenant", "=", tenant);
  for (const [column, operator, value] of conditions(filter)) rows = rows.where(column, operator, value);
  if (after !== null) {
    // Written so that an index serves it everywhere: a bound on the first column, then the rest of the comparison.
    rows = rows
      .where(by, "<=", after.sortAt)
      .where((eb) => eb.or([eb(by, "<", after.sortAt), eb("session_id", "<", after.sessionId)]));
  }
  const found = await rows
    .orderBy(by, "desc")
    .orderBy("session_id", "desc")
    .limit(limit + 1)
    .execute();
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    sessions: page.map((row) => ({
      ...decodeRecord(row),
      ...parsedOverview(decodeJson<OverviewJson>(row.runtime, `session ${row.session_id}`)),
    })),
    ...(last === undefined || found.length <= limit
      ? {}
      : { nextCursor: encodeListCursor({ sortAt: last[by], sessionId: last.session_id }, order) }),
  };
}

type Condition = [column: ReferenceExpression<Tables, "sessions">, operator: "=" | ">=" | "<", value: unknown];

function conditions(filter: NonNullable<SessionListQuery["filter"]>): Condition[] {
  const { type, agentProfileReference: profile, isLoaded } = filter;
  const ms = (time: string | undefined): number | undefined => (time === undefined ? undefined : Date.parse(time));
  const all: Condition[] = [
    ["type", "=", type],
    ["profile", "=", profile],
    ["loaded", "=", isLoaded === undefined ? undefined : Number(isLoaded)],
    ["created_ms", ">=", ms(filter.createdFrom)],
    ["created_ms", "<", ms(filter.createdBefore)],
    ["sort_at", ">=", ms(filter.activeFrom)],
    ["sort_at", "<", ms(filter.activeBefore)],
  ];
  return all.filter(([, , value]) => value !== undefined);
}
