import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { SqliteConnection, SqliteDriver } from "./driver.ts";
import { sqliteError } from "./errors.ts";

/** The locks of this process: one that nobody referred to would be collected, and the lock with it. */
const locks = new Set<SqliteConnection>();

/** Its process has the database for itself until it is closed. */
export type SqliteLock = Pick<SqliteConnection, "close">;

/**
 * Takes a database file for this process, whatever its other settings are. Another server that would write to the same
 * sessions is refused with `data_dir_unusable` before it reads anything. What is locked is a small file beside the
 * database, so that other programs can still read the database. The kernel gives the lock back however the process ends.
 */
export function lockSqliteFile(driver: SqliteDriver, file: string): SqliteLock {
  let lock: SqliteConnection | undefined;
  try {
    lock = driver(`${realPath(file)}.lock`);
    lock.pragma("busy_timeout = 0");
    lock.prepare("begin exclusive").run([]);
    return kept(lock);
  } catch (error) {
    lock?.close();
    throw isHeld(error) ? taken(file, error) : sqliteError(error, file, "data_dir_unusable");
  }
}

function kept(lock: SqliteConnection): SqliteLock {
  locks.add(lock);
  return {
    close() {
      locks.delete(lock);
      lock.close();
    },
  };
}

/** The same for every name that leads to the file. */
function realPath(file: string): string {
  return existsSync(file) ? realpathSync(file) : join(realpathSync(dirname(file)), basename(file));
}

function isHeld(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");
}

function taken(file: string, cause: unknown): RuntimeError {
  const message = `${file}: another server has this database open, and SQLite is for one server at a time. Stop the other one, name another file, or use PostgreSQL or MySQL for several servers.`;
  return new RuntimeError("data_dir_unusable", message, { cause });
}
