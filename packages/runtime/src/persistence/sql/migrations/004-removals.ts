import type { Migration } from "kysely/migration";
import type { SqlTypes } from "../dialect.ts";

/** Sessions whose rows are being removed, piece by piece. */
export function removalsMigration({ key }: SqlTypes): Migration {
  return {
    async up(db) {
      await db.schema
        .createTable("removals")
        .addColumn("tenant", key, (column) => column.notNull())
        .addColumn("session_id", key, (column) => column.notNull())
        .addPrimaryKeyConstraint("removals_key", ["tenant", "session_id"])
        .execute();
    },
  };
}
