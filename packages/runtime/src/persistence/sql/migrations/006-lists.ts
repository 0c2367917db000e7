import { MysqlAdapter, type Kysely } from "kysely";
import type { Migration } from "kysely/migration";

interface Before {
  sessions: { tenant: string; session_id: string; created_at: string; created_ms: number };
}

/** Sessions of earlier versions that are given their number at a time. */
const PAGE = 1_000;

/**
 * Lists by creation, and with filters: an index for each order, and for each order with each of the filters that
 * compare. So a page costs the same wherever it lies, and however few sessions a filter lets through.
 */
export function listsMigration(): Migration {
  return {
    async up(db) {
      await db.schema
        .alterTable("sessions")
        .addColumn("created_ms", "bigint", (column) => column.notNull().defaultTo(0))
        .execute();
      await numberCreations(db as Kysely<Before>);
      for (const [name, columns] of Object.entries(INDEXES)) {
        await db.schema.createIndex(name).on("sessions").columns(columns).execute();
      }
      const before = db.schema.dropIndex("sessions_by_loaded");
      await (db.getExecutor().adapter instanceof MysqlAdapter ? before.on("sessions") : before).execute();
    },
  };
}

const INDEXES: Readonly<Record<string, string[]>> = {
  sessions_by_creation: ["tenant", "created_ms", "session_id"],
  sessions_by_type_and_activity: ["tenant", "type", "sort_at", "session_id"],
  sessions_by_type_and_creation: ["tenant", "type", "created_ms", "session_id"],
  sessions_by_profile_and_activity: ["tenant", "profile", "sort_at", "session_id"],
  sessions_by_profile_and_creation: ["tenant", "profile", "created_ms", "session_id"],
  // In this order they serve whoever looks for all that are loaded too; MySQL would take an index for that alone, and sort.
  sessions_by_loaded_and_activity: ["loaded", "tenant", "sort_at", "session_id"],
  sessions_by_loaded_and_creation: ["loaded", "tenant", "created_ms", "session_id"],
};

/** In this language, because databases read times in different ways. */
async function numberCreations(db: Kysely<Before>): Promise<void> {
  let after = { tenant: "", session_id: "" };
  for (;;) {
    const { tenant, session_id: id } = after;
    const rows = await db
      .selectFrom("sessions")
      .select(["tenant", "session_id", "created_at"])
      .where("tenant", ">=", tenant)
      .where((eb) => eb.or([eb("tenant", ">", tenant), eb("session_id", ">", id)]))
      .orderBy("tenant")
      .orderBy("session_id")
      .limit(PAGE)
      .execute();
    for (const row of rows) {
      await db
        .updateTable("sessions")
        .set({ created_ms: Date.parse(row.created_at) })
        .where("tenant", "=", row.tenant)
        .where("session_id", "=", row.session_id)
        .execute();
    }
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last;
  }
}
