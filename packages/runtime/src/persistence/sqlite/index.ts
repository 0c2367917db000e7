import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DEFAULT_PROFILE, RuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { SqliteDialect, type SqliteDatabase } from "kysely";
import { checkedProfiles } from "../nine-methods.ts";
import type { PersistenceAdapter } from "../port.ts";
import type { SessionStore } from "../session-store.ts";
import type { SqlDialect } from "../sql/dialect.ts";
import { onConflict } from "../sql/on-conflict.ts";
import { sqlPersistence } from "../sql/persistence.ts";
import { notOpen } from "../store-errors.ts";
import { loadDriver, withPreparedStatements, type SqliteConnection, type SqliteDriver } from "./driver.ts";
import { isDuplicateKey, sqliteError } from "./errors.ts";
import { lockSqliteFile, type SqliteLock } from "./lock.ts";
import { plainAppend } from "./plain-append.ts";

export interface SqlitePersistenceOptions {
  /** Path of the database; it and its folder are made where they are missing. `:memory:` keeps nothing. */
  readonly file: string;
  /** The profile `default` where absent. */
  readonly profiles?: readonly AgentProfile[];
  /**
   * `full` waits for the disk at every commit; `normal`, the default, may lose the last commits when the power fails
   * (never when the process dies), and is faster by far.
   */
  readonly synchronous?: "normal" | "full";
}

/** How long a write waits for another process's write. Blocks this process meanwhile, so it is short; what waits is tried again. */
const BUSY_TIMEOUT_MS = 500;

/** Says in the file whose it is: "Agnt". */
const APPLICATION_ID = 0x41676e74;

/**
 * Keeps sessions in one SQLite file, through the optional package `better-sqlite3`. `open()` rejects with
 * `missing_dependency`, or with `data_dir_unusable`, also where another server has the file; later failures are
 * `persistence_unavailable`.
 */
export function sqlitePersistence(
  options: SqlitePersistenceOptions,
  load: () => Promise<SqliteDriver> = loadDriver,
): PersistenceAdapter & { readonly store: SessionStore } {
  return sqlPersistence(sqliteDialect(options, load), checkedProfiles(options.profiles ?? [DEFAULT_PROFILE]));
}

function sqliteDialect(options: SqlitePersistenceOptions, load: () => Promise<SqliteDriver>): SqlDialect {
  const file = options.file === ":memory:" ? options.file : resolve(options.file);
  let identity: string | undefined;
  let prepared: SqliteDatabase | undefined;
  return {
    name: "sqlite",
    types: { key: "text", time: "text", text: "text", json: "text", bytes: "blob" },
    words: { upsert: onConflict, locksRows: false },
    open: async () => {
      const driver = await load();
      const { connection, lock } = take(driver, { file, synchronous: options.synchronous ?? "normal" });
      identity = identityOf(file);
      const database = withPreparedStatements(connection);
      prepared = database;
      const close = (): void => {
        database.close();
        lock?.close();
      };
      return new SqliteDialect({ database: { ...database, close } });
    },
    verify: () => {
      if (identityOf(file) !== identity) throw fileGone(file);
    },
    explain: (error) => sqliteError(error, file),
    openFailure: "data_dir_unusable",
    isDuplicate: isDuplicateKey,
    appendPlain: async (db, batches) => {
      if (prepared === undefined) throw notOpen();
      return await plainAppend(db, prepared, batches);
    },
  };
}

/** Which file lies under the name; undefined where there is none. */
function identityOf(file: string): string | undefined {
  if (file === ":memory:") return file;
  const found = statSync(file, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

/** SQLite would go on writing to a file that nobody finds again. */
function fileGone(file: string): RuntimeError {
  const message = `${file}: the database file was deleted or replaced while the server runs: nothing more is written. Put the file back, or stop the server and put back a backup.`;
  return new RuntimeError("persistence_unavailable", message);
}

type Opening = Required<Omit<SqlitePersistenceOptions, "profiles">>;

/** The database, and the lock that keeps other servers away from it. */
function take(driver: SqliteDriver, opening: Opening): { connection: SqliteConnection; lock?: SqliteLock } {
  const { file } = opening;
  if (file === ":memory:") return { connection: connect(driver, opening) };
  try {
    makeFolder(dirname(file));
  } catch (error) {
    throw sqliteError(error, file, "data_dir_unusable");
  }
  const lock = lockSqliteFile(driver, file);
  try {
    return { connection: connect(driver, opening), lock };
  } catch (error) {
    lock.close();
    throw error;
  }
}

function connect(driver: SqliteDriver, { file, synchronous }: Opening): SqliteConnection {
  let connection: SqliteConnection | undefined;
  try {
    connection = driver(file);
    connection.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    connection.pragma("journal_mode = WAL");
    connection.pragma(`synchronous = ${synchronous}`);
    // A file that cannot be written is better found now than by the first message.
    connection.pragma(`application_id = ${APPLICATION_ID}`);
    return connection;
  } catch (error) {
    connection?.close();
    throw sqliteError(error, file, "data_dir_unusable");
  }
}

/** Not `recursive: true`: where a file system answers ENOENT to every new folder, as /proc does, Node never returns. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder);
}
