import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { MysqlPool, MysqlPoolConnection } from "kysely";
import type { createPool, Pool, PoolConnection, PoolOptions } from "mysql2";
import { tooLarge } from "./errors.ts";

/** What we use of the package mysql2. */
export interface MysqlDriver {
  readonly createPool: typeof createPool;
}

export interface MysqlConnection {
  /** Address, account, TLS: what mysql2 takes. */
  readonly client: PoolOptions;
  /** Connections at most. */
  readonly max: number;
  /** For a connection, a free one or a new one. */
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
}

/** What is known of a server once somebody has spoken with it. */
export interface MysqlServer {
  readonly version: string;
  readonly isMariadb: boolean;
  /** Longest statement, in bytes. */
  readonly maxPacket: number;
}

/** Loads mysql2, which is an optional dependency, when it is first needed. */
export async function loadDriver(
  load: () => Promise<{ readonly default: MysqlDriver }> = () => import("mysql2"),
): Promise<MysqlDriver> {
  try {
    return (await load()).default;
  } catch (cause) {
    const message = "MySQL needs the package mysql2: npm install mysql2@3.24.6";
    throw new RuntimeError("missing_dependency", message, { cause });
  }
}

/** What holds for each connection from its first statement on, whatever the server's defaults are. */
function settings(lockSeconds: number): string {
  return [
    // Strict: what does not fit is refused, not cut. Backslashes escape, as the driver writes them.
    "set sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
    "time_zone = '+00:00'",
    "default_storage_engine = 'InnoDB'",
    "autocommit = 1",
    "transaction_isolation = 'READ-COMMITTED'",
    `innodb_lock_wait_timeout = ${lockSeconds}`,
  ].join(", ");
}

/**
 * A server that is stopped amid a transaction keeps its locks, and nobody could take its sessions over: after so many
 * seconds between two statements the database ends it. MySQL knows no such bound for transactions alone; what it ends
 * there is any connection without work, which the pool replaces.
 */
const IDLE_IN_TRANSACTION = "set idle_transaction_timeout = 5";
const IDLE = "set wait_timeout = 20";

/** MariaDB before 11.1 calls one of them otherwise. */
const OLDER_NAME = /\btransaction_isolation\b/;

export interface OpenedPool extends MysqlPool {
  readonly pool: Pool;
  /** Speaks with the server for the first time. Rejects with what the driver says. */
  hello(): Promise<MysqlServer>;
}

/** A pool whose connections are set up before anybody gets them, and whose lost ones are replaced. */
export function openPool(driver: MysqlDriver, connection: MysqlConnection): OpenedPool {
  const pool = driver.createPool({
    ...connection.client,
    connectionLimit: connection.max,
    // Given back before the server ends them.
    maxIdle: 0,
    idleTimeout: 10_000,
    connectTimeout: connection.connectTimeoutMs,
    enableKeepAlive: true,
    charset: "utf8mb4",
    decimalNumbers: true,
    supportBigNumbers: false,
    multipleStatements: false,
    flags: ["FOUND_ROWS"],
  });
  // A new connection that breaks before anybody asks it for anything ends nothing.
  pool.on("connection", (made) => made.on("error", () => undefined));
  const taking = new Taking(pool, connection);
  return {
    pool,
    hello: async () => {
      const taken = await taking.take();
      try {
        return await taking.serverOf(taken);
      } finally {
        taken.release();
      }
    },
    getConnection: (callback) => {
      taking.take().then(
        (taken) => callback(undefined, taken),
        (error: unknown) => callback(error, undefined as never),
      );
    },
    end: (callback) => pool.end((error) => callback(error)),
  };
}

type Taken = MysqlPoolConnection & { query: QueryOf };
type Callback = (error: unknown, result: unknown) => void;
type QueryOf = {
  (sql: string, parameters: readonly unknown[]): never;
  (sql: string, parameters: readonly unknown[], callback: Callback): void;
};

const CHANGES_TABLES = /^\s*(create|alter|drop) /i;

/** Hands out connections of the pool. */
class Taking {
  readonly #pool: Pool;
  readonly #connection: MysqlConnection;
  readonly #known = new WeakMap<object, Taken>();
  #server: MysqlServer | undefined;

  constructor(pool: Pool, connection: MysqlConnection) {
    this.#pool = pool;
    this.#connection = connection;
  }

  async take(): Promise<Taken> {
    const raw = await this.#free();
    const known = this.#known.get(raw);
    if (known !== undefined) return known;
    try {
      await this.#set(raw);
    } catch (error) {
      raw.destroy();
      throw error;
    }
    const taken = this.#guarded(raw);
    this.#known.set(raw, taken);
    return taken;
  }

  async serverOf(taken: Taken): Promise<MysqlServer> {
    const text = "select version() as version, @@max_allowed_packet as packet";
    const rows = await new Promise<unknown>((resolve, reject) =>
      taken.query(text, [], (error: unknown, result: unknown) => (error ? reject(error) : resolve(result))),
    );
    const [{ version, packet }] = rows as [{ version: string; packet: number }];
    this.#server = { version, isMariadb: /mariadb/i.test(version), maxPacket: packet };
    return this.#server;
  }

  /** mysql2 waits for a free connection without an end. */
  async #free(): Promise<PoolConnection> {
    const { connectTimeoutMs, max } = this.#connection;
    return await new Promise<PoolConnection>((resolve, reject) => {
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        const message = `no connection within ${connectTimeoutMs} ms; the pool has at most ${max}`;
        reject(Object.assign(new Error(message), { code: "POOL_EXHAUSTED" }));
      }, connectTimeoutMs);
      this.#pool.getConnection((error, raw) => {
        clearTimeout(timer);
        if (error !== null) reject(error);
        else if (isLate) raw.release();
        else resolve(raw);
      });
    });
  }

  async #set(raw: PoolConnection): Promise<void> {
    const { statementTimeoutMs } = this.#connection;
    const text = settings(Math.max(1, Math.ceil((statementTimeoutMs === 0 ? 50_000 : statementTimeoutMs) / 3_000)));
    const ask = async (sql: string): Promise<void> =>
      await new Promise((resolve, reject) => raw.query(sql, (error) => (error ? reject(error) : resolve())));
    const askOr = async (sql: string, instead: string): Promise<void> =>
      await ask(sql).catch(async (error: unknown) => {
        if (!(error instanceof Error && "code" in error && error.code === "ER_UNKNOWN_SYSTEM_VARIABLE")) throw error;
        await ask(instead);
      });
    await askOr(text, text.replace(OLDER_NAME, "tx_isolation"));
    await askOr(IDLE_IN_TRANSACTION, IDLE);
  }

  /** The connection with a deadline for each statement; one that broke is given up, and its rollback has happened. */
  #guarded(raw: PoolConnection): Taken {
    const { statementTimeoutMs: timeout } = this.#connection;
    let isBroken = false;
    const query = (sql: string, parameters: readonly unknown[], callback: Callback): void => {
      if (isBroken && sql === "rollback") return callback(null, { insertId: 0, affectedRows: 0 });
      const refused = tooLarge({ sql, parameters }, this.#server?.maxPacket);
      if (refused !== null) return callback(refused, undefined);
      // Tables that are being changed take the time that they take.
      const bounded = timeout !== 0 && !CHANGES_TABLES.test(sql);
      const statement = { sql, values: [...parameters], ...(bounded ? { timeout } : {}) };
      raw.query(statement, (error, result) => {
        // After its time the answer may still come, and would be taken for the next one's.
        if (error !== null && (error.fatal || error.code === "PROTOCOL_SEQUENCE_TIMEOUT")) isBroken = true;
        callback(error, result);
      });
    };
    return {
      config: undefined,
      threadId: raw.threadId,
      query: query as QueryOf,
      destroy: () => raw.destroy(),
      release: () => (isBroken ? raw.destroy() : raw.release()),
    } as unknown as Taken;
  }
}
