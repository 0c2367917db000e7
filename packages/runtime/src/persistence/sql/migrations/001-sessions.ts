import type { ColumnDefinitionBuilder, CreateTableBuilder, Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import type { SqlTypes } from "../dialect.ts";

const required = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.notNull();

/** Sessions, their logs, and everything else that belongs to a session. */
export function sessionsMigration(types: SqlTypes): Migration {
  const { key, time, text, json, bytes } = types;

  /** A table of one session's rows, with the key columns that it adds to the session's. */
  function table<K extends string>(db: Kysely<unknown>, name: string, keys: Record<K, "key" | "bigint">) {
    let builder: CreateTableBuilder<string, "tenant" | "session_id" | K> = db.schema
      .createTable(name)
      .addColumn("tenant", key, required)
      .addColumn("session_id", key, required);
    for (const [column, type] of Object.entries(keys) as [K, "key" | "bigint"][]) {
      builder = builder.addColumn(column, type === "key" ? key : "bigint", required);
    }
    const columns = ["tenant", "session_id", ...(Object.keys(keys) as K[])] as const;
    return builder.addPrimaryKeyConstraint(`${name}_key`, [...columns]);
  }

  return {
    async up(db) {
      await table(db, "sessions", {})
        .addColumn("type", text, required)
        .addColumn("profile", text, required)
        .addColumn("name", json)
        .addColumn("created_at", time, required)
        .addColumn("last_activity", time)
        .addColumn("sort_at", "bigint", required)
        .addColumn("session_options", json)
        .addColumn("metadata", json)
        .addColumn("runtime", json, required)
        .addColumn("loaded", "integer", required)
        .execute();
      await db.schema.createIndex("sessions_by_loaded").on("sessions").columns(["loaded"]).execute();
      await db.schema
        .createIndex("sessions_by_activity")
        .on("sessions")
        .columns(["tenant", "sort_at", "session_id"])
        .execute();
      await table(db, "logs", {})
        .addColumn("log_id", text, required)
        .addColumn("last_seq", "bigint", required)
        .addColumn("cursor_generation", "bigint")
        .addColumn("cursor_n", "bigint")
        .addColumn("native_session_id", text)
        .addColumn("generation", "bigint", required)
        .execute();
      await table(db, "events", { seq: "bigint" })
        .addColumn("version", "integer", required)
        .addColumn("at", time, required)
        .addColumn("type", text, required)
        .addColumn("data", json, required)
        .execute();
      await table(db, "snapshots", {})
        .addColumn("version", "integer", required)
        .addColumn("state", json, required)
        .execute();
      await table(db, "sandboxes", {}).addColumn("sandbox", json, required).execute();
      await table(db, "blocks", { block_id: "key" })
        .addColumn("conversation_id", key, required)
        .addColumn("position", "bigint", required)
        .addColumn("block", json)
        .execute();
      await db.schema
        .createIndex("blocks_by_position")
        .on("blocks")
        .columns(["tenant", "session_id", "conversation_id", "position"])
        .execute();
      await table(db, "files", { path_key: "key" }).addColumn("entry", json, required).execute();
      await table(db, "blobs", { sha256: "key", start: "bigint" })
        .addColumn("length", "bigint", required)
        .addColumn("total", "bigint", required)
        .addColumn("bytes", bytes, required)
        .execute();
      await table(db, "transcripts", { n: "bigint" }).addColumn("entry", json, required).execute();
      await table(db, "messages", { message_id: "key" })
        .addColumn("idempotency_key", key)
        .addColumn("content_hash", key, required)
        .addColumn("position", "bigint")
        .execute();
      await db.schema
        .createIndex("messages_by_idempotency_key")
        .unique()
        .on("messages")
        .columns(["tenant", "session_id", "idempotency_key"])
        .execute();
      await table(db, "raw_transcripts", {})
        .addColumn("seq", "bigint", required)
        .addColumn("text", json, required)
        .execute();
    },
  };
}
