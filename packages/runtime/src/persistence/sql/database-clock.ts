import { sql, type RawBuilder, type SqlBool } from "kysely";
import type { SessionKey } from "../session-store.ts";
import type { Db } from "./schema.ts";

/** Questions of time, which the database's own clock answers. */
export type DatabaseClock = ReturnType<typeof databaseClock>;

export function databaseClock(nowMs: RawBuilder<number>) {
  return {
    /** So many milliseconds from now. */
    in: (ms: number): RawBuilder<number> => sql<number>`${nowMs} + ${sql.lit(ms)}`,
    nowMs,
    /** Whether the time in this column is to come, or there is none. */
    isValid: (column: string): RawBuilder<SqlBool> =>
      sql<SqlBool>`(${sql.ref(column)} is null or ${sql.ref(column)} > ${nowMs})`,
    /** Whether the node lives that holds the log of the query around it. */
    holderLives: sql<SqlBool>`exists (select 1 from nodes where nodes.node_id = logs.node_id and nodes.lives_until > ${nowMs})`,
    lives: async (db: Db, nodeId: string): Promise<boolean> => {
      const row = await db
        .selectFrom("nodes")
        .select("node_id")
        .where("node_id", "=", nodeId)
        .where("lives_until", ">", nowMs)
        .executeTakeFirst();
      return row !== undefined;
    },
  };
}

/** Narrows a query to the rows of one session. */
export function ofSession<Q extends { where(column: "tenant" | "session_id", operator: "=", value: string): Q }>(
  query: Q,
  { tenant, sessionId }: SessionKey,
): Q {
  return query.where("tenant", "=", tenant).where("session_id", "=", sessionId);
}
