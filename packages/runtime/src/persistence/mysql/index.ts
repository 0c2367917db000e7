import { DEFAULT_PROFILE, RuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { MysqlDialect, sql } from "kysely";
import type { PoolOptions } from "mysql2";
import { checkedProfiles } from "../nine-methods.ts";
import type { PersistenceAdapter } from "../port.ts";
import type { SessionStore } from "../session-store.ts";
import type { SqlDialect, SqlTypes } from "../sql/dialect.ts";
import { sqlPersistence } from "../sql/persistence.ts";
import { loadDriver, openPool, type MysqlConnection, type MysqlDriver, type MysqlServer } from "./driver.ts";
import { isConnectionLost, isDuplicateKey, isTransient, mysqlError } from "./errors.ts";
import { onDuplicateKey } from "./on-duplicate-key.ts";
import { plainAppend } from "./plain-append.ts";

export interface MysqlPersistenceOptions {
  /** `mysql://user:password@host:port/database`; the database must be there. */
  readonly uri?: string;
  /** Instead of it, or beside it: what mysql2's `createPool` takes, such as `ssl` or `socketPath`. */
  readonly connection?: PoolOptions;
  /** The profile `default` where absent. */
  readonly profiles?: readonly AgentProfile[];
  /** Connections at most; default 10. */
  readonly max?: number;
  /** For a connection, a free or a new one, in milliseconds; default 10 000. */
  readonly connectTimeoutMs?: number;
  /** For each statement, in milliseconds; default 30 000; 0: no end. */
  readonly statementTimeoutMs?: number;
}

/**
 * Keeps sessions in a MySQL (8.0.17 or newer) or MariaDB (10.6 or newer) database, through the optional package
 * `mysql2`; many servers may share one. `open()` rejects with `missing_dependency`, `invalid_configuration` (address,
 * account, rights), `data_dir_unusable` (a newer version's tables) or `persistence_unavailable`; later failures are
 * `persistence_unavailable`.
 */
export function mysqlPersistence(
  options: MysqlPersistenceOptions,
  load: () => Promise<MysqlDriver> = loadDriver,
): PersistenceAdapter & { readonly store: SessionStore } {
  const connection = connectionOf(options);
  return sqlPersistence(mysqlDialect(connection, load), checkedProfiles(options.profiles ?? [DEFAULT_PROFILE]));
}

function connectionOf(options: MysqlPersistenceOptions): MysqlConnection {
  const { uri, connection } = options;
  if (uri !== undefined) checkUri(uri);
  const named = uri === undefined ? connection?.database : URL.parse(uri)?.pathname.slice(1);
  if ((named ?? "") === "" && (connection?.uri ?? "") === "") {
    throw invalid(uri === undefined ? "connection.database" : "uri", "must name a database");
  }
  return {
    client: { ...connection, ...(uri === undefined ? {} : { uri }) },
    max: whole("max", options.max ?? 10, 1),
    connectTimeoutMs: whole("connectTimeoutMs", options.connectTimeoutMs ?? 10_000, 1),
    statementTimeoutMs: whole("statementTimeoutMs", options.statementTimeoutMs ?? 30_000, 0),
  };
}

function checkUri(text: string): void {
  const url = URL.parse(text);
  if (url === null || !/^(mysql|mariadb):$/.test(url.protocol)) {
    // Never the text itself: there is a password in it.
    throw invalid("uri", "must look like mysql://user:password@host:3306/database");
  }
}

function whole(field: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw invalid(field, `must be a whole number of at least ${least}`);
}

function invalid(field: string, problem: string): RuntimeError {
  return new RuntimeError("invalid_configuration", `MySQL: ${field} ${problem}`, { field });
}

function mysqlDialect(connection: MysqlConnection, load: () => Promise<MysqlDriver>): SqlDialect {
  const where = placeOf(connection);
  let server: MysqlServer | undefined;
  return {
    name: "mysql",
    get types() {
      return typesOf(server);
    },
    words: {
      upsert: onDuplicateKey,
      locksRows: true,
      // Of the moment, not of the statement's beginning: it may have waited for a lock.
      nowMs: sql<number>`cast(floor(unix_timestamp(sysdate(3)) * 1000) as signed)`,
    },
    open: async () => {
      const pool = openPool(await load(), connection);
      try {
        server = await pool.hello();
        return new MysqlDialect({ pool });
      } catch (error) {
        pool.end(() => undefined);
        throw mysqlError(error, where);
      }
    },
    explain: (error) => mysqlError(error, where),
    isDuplicate: isDuplicateKey,
    isTransient,
    isConnectionLost,
    appendPlain: plainAppend,
  };
}

/**
 * Texts byte by byte, spaces at their end too: which collation does so has another name in each. Widths, because what
 * is in an index may have 3,072 bytes in all.
 */
function typesOf(server: MysqlServer | undefined): SqlTypes {
  const collation = server?.isMariadb === true ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin";
  const as = sql.raw(`character set utf8mb4 collate ${collation}`);
  return {
    key: sql`varchar(200) ${as}`,
    time: sql`varchar(40) ${as}`,
    text: sql`varchar(255) ${as}`,
    json: sql`longtext ${as}`,
    bytes: sql`longblob`,
  };
}

/** For messages: where the database is, without the password. */
function placeOf({ client }: MysqlConnection): string {
  const url = client.uri === undefined ? null : URL.parse(client.uri);
  const host = url?.host ?? client.socketPath ?? client.host ?? "localhost";
  const database = url?.pathname.slice(1) ?? client.database ?? "";
  return `MySQL at ${host}${database === "" ? "" : `/${database}`}`;
}
