import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { sql } from "kysely";
import { Migrator, type Migration } from "kysely/migration";
import type { SqlDialect } from "./dialect.ts";
import { sessionsMigration } from "./migrations/001-sessions.ts";
import { compactionMigration } from "./migrations/002-compaction.ts";
import { checkpointsMigration } from "./migrations/003-checkpoints.ts";
import { removalsMigration } from "./migrations/004-removals.ts";
import { clusterMigration } from "./migrations/005-cluster.ts";
import { listsMigration } from "./migrations/006-lists.ts";
import { profilesMigration } from "./migrations/007-profiles.ts";
import type { Db } from "./schema.ts";

const TABLE = "agent_runtime_migrations";

/** Every change of the tables, by name, in order. A released one never changes. */
export function migrations({ types }: Pick<SqlDialect, "types">): Record<string, Migration> {
  return {
    "001-sessions": sessionsMigration(types),
    "002-compaction": compactionMigration(),
    "003-checkpoints": checkpointsMigration(types),
    "004-removals": removalsMigration(types),
    "005-cluster": clusterMigration(types),
    "006-lists": listsMigration(),
    "007-profiles": profilesMigration(types),
  };
}

/** Brings the tables up to date. Refuses (`data_dir_unusable`) a database that a newer version has changed. */
export async function migrate(db: Db, dialect: SqlDialect): Promise<void> {
  const known = migrations(dialect);
  const applied = await appliedMigrations(db, dialect);
  const unknown = applied.filter((name) => !Object.hasOwn(known, name));
  if (unknown.length > 0) {
    const message = `The database was made by a newer version of Agent Runtime (it has ${unknown.join(", ")}): run that version or a newer one, or point to another database.`;
    throw new RuntimeError("data_dir_unusable", message);
  }
  // Looking for what is to do costs more than knowing that there is nothing.
  if (Object.keys(known).every((name) => applied.includes(name))) return;
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => known },
    migrationTableName: TABLE,
    migrationLockTableName: `${TABLE}_lock`,
    ...(dialect.schema === undefined ? {} : { migrationTableSchema: dialect.schema }),
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

async function appliedMigrations(db: Db, { schema }: SqlDialect): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === TABLE && (schema === undefined || table.schema === schema))) return [];
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(TABLE)}`.execute(db);
  return rows.map((row) => row.name);
}
