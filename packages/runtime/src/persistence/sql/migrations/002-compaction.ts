import type { Migration } from "kysely/migration";

/** Logs may lose events that later ones made needless. */
export function compactionMigration(): Migration {
  return {
    async up(db) {
      await db.schema.alterTable("events").addColumn("from_seq", "bigint").execute();
      await db.schema
        .alterTable("logs")
        .addColumn("compacted_to", "bigint", (column) => column.notNull().defaultTo(0))
        .execute();
    },
  };
}
