import type { ColumnDefinitionBuilder } from "kysely";
import type { Migration } from "kysely/migration";
import type { SqlTypes } from "../dialect.ts";

const required = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.notNull();

/** Who runs a session, which servers there are, and what they ask of each other. */
export function clusterMigration({ key, text, json }: SqlTypes): Migration {
  return {
    async up(db) {
      await db.schema.alterTable("logs").addColumn("node_id", key).execute();
      await db.schema
        .alterTable("logs")
        .addColumn("fence", "bigint", (column) => column.notNull().defaultTo(0))
        .execute();
      await db.schema.createIndex("logs_by_node").on("logs").columns(["node_id"]).execute();
      await db.schema
        .createTable("nodes")
        .addColumn("node_id", key, (column) => column.notNull().primaryKey())
        .addColumn("place", text, required)
        .addColumn("sandboxes", "bigint", required)
        .addColumn("waiting", "bigint", required)
        .addColumn("max_sandboxes", "bigint", required)
        .addColumn("leaving", "integer", required)
        .addColumn("lives_until", "bigint", required)
        .execute();
      await db.schema
        .createTable("commands")
        .addColumn("id", key, (column) => column.notNull().primaryKey())
        .addColumn("tenant", key, required)
        .addColumn("session_id", key, required)
        .addColumn("from_node", key, required)
        .addColumn("method", text, required)
        .addColumn("body", json, required)
        .addColumn("valid_ms", "bigint")
        .addColumn("valid_until", "bigint")
        .execute();
      await db.schema.createIndex("commands_by_session").on("commands").columns(["tenant", "session_id"]).execute();
      await db.schema
        .createTable("answers")
        .addColumn("id", key, (column) => column.notNull().primaryKey())
        .addColumn("answer", json, required)
        .addColumn("valid_until", "bigint", required)
        .execute();
      await db.schema.createIndex("answers_by_end").on("answers").columns(["valid_until"]).execute();
    },
  };
}
