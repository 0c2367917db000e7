import { DEFAULT_PROFILE, RuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { PostgresDialect, sql } from "kysely";
import type { ClientConfig } from "pg";
import { checkedProfiles } from "../nine-methods.ts";
import type { PersistenceAdapter } from "../port.ts";
import type { SessionStore } from "../session-store.ts";
import type { SqlDialect } from "../sql/dialect.ts";
import { onConflict } from "../sql/on-conflict.ts";
import { sqlPersistence } from "../sql/persistence.ts";
import { postgresBus } from "./bus.ts";
import { loadDriver, openPool, type PostgresConnection, type PostgresDriver } from "./driver.ts";
import { isConnectionLost, isDuplicateKey, isTransientError, postgresError } from "./errors.ts";
import { appendSimple } from "./append-simple.ts";

export interface PostgresPersistenceOptions {
  /** `postgres://user:password@host:port/database`, with `?sslmode=…` where it has to be. */
  readonly connectionString?: string;
  /** Instead of it, or beside it: what pg's `Client` takes, such as `ssl`, or `password` as a function. */
  readonly connection?: ClientConfig;
  /** Schema of all our tables, made where it is missing; default `agent_runtime`. Up to 63 letters, digits and `_`. */
  readonly schema?: string;
  /** The profile `default` where absent. */
  readonly profiles?: readonly AgentProfile[];
  /** Connections at most; default 10. One more is for messages between nodes. */
  readonly max?: number;
  /** For a connection, a free or a new one, in milliseconds; default 10 000. */
  readonly connectTimeoutMs?: number;
  /** For each statement, in milliseconds; default 30 000; 0: no end. */
  readonly statementTimeoutMs?: number;
}

/**
 * Keeps sessions in a PostgreSQL database (12 or newer), through the optional package `pg`; many servers may share one.
 * `open()` rejects with `missing_dependency`, `invalid_configuration` (address, account, rights), `data_dir_unusable` (a
 * newer version's tables) or `persistence_unavailable`; later failures are `persistence_unavailable`.
 */
export function postgresPersistence(
  options: PostgresPersistenceOptions,
  load: () => Promise<PostgresDriver> = loadDriver,
): PersistenceAdapter & { readonly store: SessionStore } {
  const connection = connectionOf(options);
  return sqlPersistence(postgresDialect(connection, load), checkedProfiles(options.profiles ?? [DEFAULT_PROFILE]));
}

function connectionOf(options: PostgresPersistenceOptions): PostgresConnection {
  const { connectionString, connection, schema = "agent_runtime" } = options;
  if (connectionString !== undefined) checkUrl(connectionString);
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(schema)) {
    throw invalid("schema", "must begin with a letter and have up to 63 letters, digits and _");
  }
  return {
    client: { ...connection, ...(connectionString === undefined ? {} : { connectionString }) },
    schema,
    max: whole("max", options.max ?? 10, 1),
    connectTimeoutMs: whole("connectTimeoutMs", options.connectTimeoutMs ?? 10_000, 1),
    statementTimeoutMs: whole("statementTimeoutMs", options.statementTimeoutMs ?? 30_000, 0),
  };
}

function checkUrl(text: string): void {
  const url = URL.parse(text);
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    // Never the text itself: there is a password in it.
    throw invalid("connectionString", "must look like postgres://user:password@host:5432/database");
  }
}

function whole(field: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw invalid(field, `must be a whole number of at least ${least}`);
}

function invalid(field: string, problem: string): RuntimeError {
  return new RuntimeError("invalid_configuration", `PostgreSQL: ${field} ${problem}`, { field });
}

function postgresDialect(connection: PostgresConnection, load: () => Promise<PostgresDriver>): SqlDialect {
  const where = placeOf(connection);
  const explain = (error: unknown): RuntimeError => postgresError(error, where);
  return {
    name: "postgres",
    types: {
      key: sql`text collate "C"`,
      time: "text",
      text: "text",
      json: "text",
      bytes: "bytea",
    },
    words: {
      upsert: onConflict,
      locksRows: true,
      nowMs: sql<number>`floor(extract(epoch from clock_timestamp()) * 1000)::bigint`,
    },
    schema: connection.schema,
    open: async () => new PostgresDialect({ pool: openPool(await load(), connection) }),
    explain,
    isDuplicate: isDuplicateKey,
    isTransient: isTransientError,
    isConnectionLost,
    appendSimple,
    bus: postgresBus({ load, connection, explain }),
  };
}

/** For messages: where the database is, without the password. */
function placeOf({ client }: PostgresConnection): string {
  const url = client.connectionString === undefined ? null : URL.parse(client.connectionString);
  const host = url?.host ?? `${client.host ?? "localhost"}${client.port === undefined ? "" : `:${client.port}`}`;
  const database = url?.pathname.slice(1) ?? client.database ?? "";
  return `PostgreSQL at ${host}${database === "" ? "" : `/${database}`}`;
}
