import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { SqliteDatabase, SqliteStatement } from "kysely";

/** What we use of better-sqlite3's database. */
export interface SqliteConnection extends SqliteDatabase {
  readonly inTransaction: boolean;
  pragma(source: string): unknown;
}

/** Opens a file. Throws what the driver throws. */
export type SqliteDriver = (file: string) => SqliteConnection;

/** Most statements that stay prepared. */
const PREPARED = 300;

/** Loads better-sqlite3, which is an optional dependency, when it is first needed. */
export async function loadDriver(
  load: () => Promise<{ readonly default: new (file: string) => unknown }> = () => import("better-sqlite3"),
): Promise<SqliteDriver> {
  try {
    const { default: Database } = await load();
    return (file) => new Database(file) as SqliteConnection;
  } catch (cause) {
    const message = "SQLite needs the package better-sqlite3: npm install better-sqlite3@13.2.0";
    throw new RuntimeError("missing_dependency", message, { cause });
  }
}

/**
 * The connection with its statements kept prepared, the ones used last. And a rollback that finds no transaction does
 * nothing: after some errors (a full disk) SQLite has rolled back already, and another error would hide the first.
 */
export function withPreparedStatements(connection: SqliteConnection): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();
  const prepare = (sql: string): SqliteStatement => {
    if (sql === "rollback" && !connection.inTransaction) return DONE;
    const known = prepared.get(sql);
    if (known !== undefined) prepared.delete(sql);
    const result = known ?? connection.prepare(sql);
    prepared.set(sql, result);
    const [oldest] = prepared.keys();
    if (prepared.size > PREPARED && oldest !== undefined) prepared.delete(oldest);
    return result;
  };
  return { prepare, close: () => connection.close() };
}

const DONE: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [][Symbol.iterator](),
};
