import type { Migration } from "kysely/migration";
import { sql } from "kysely";
import type { SqlTypes } from "../dialect.ts";

/** What each file was and from which seq on, and the seqs at which turns ended. */
export function checkpointsMigration({ key, json, text }: SqlTypes): Migration {
  return {
    async up(db) {
      await db.schema
        .createTable("file_versions")
        .addColumn("tenant", key, (column) => column.notNull())
        .addColumn("session_id", key, (column) => column.notNull())
        .addColumn("path_key", key, (column) => column.notNull())
        .addColumn("seq", "bigint", (column) => column.notNull())
        .addColumn("entry", json)
        .addPrimaryKeyConstraint("file_versions_key", ["tenant", "session_id", "path_key", "seq"])
        .execute();
      await db.schema
        .createTable("checkpoints")
        .addColumn("tenant", key, (column) => column.notNull())
        .addColumn("session_id", key, (column) => column.notNull())
        .addColumn("seq", "bigint", (column) => column.notNull())
        .addColumn("turn_id", text, (column) => column.notNull())
        .addPrimaryKeyConstraint("checkpoints_key", ["tenant", "session_id", "seq"])
        .execute();
      // Files of before: they are part of every checkpoint until they change.
      await sql`insert into file_versions (tenant, session_id, path_key, seq, entry) select tenant, session_id, path_key, 0, entry from files`.execute(
        db,
      );
    },
  };
}
