import type { Migration } from "kysely/migration";
import type { SqlTypes } from "../dialect.ts";

/** Profiles that were made while a server runs. */
export function profilesMigration({ key, json }: SqlTypes): Migration {
  return {
    async up(db) {
      await db.schema
        .createTable("agent_profiles")
        .addColumn("id", key, (column) => column.notNull())
        .addColumn("profile", json, (column) => column.notNull())
        .addPrimaryKeyConstraint("agent_profiles_key", ["id"])
        .execute();
    },
  };
}
