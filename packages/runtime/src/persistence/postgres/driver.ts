import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type pg from "pg";
import type { Client, ClientConfig, PoolClient, PoolConfig } from "pg";
import type { PostgresPool } from "kysely";
import { PreparedStatements } from "./prepared-statements.ts";

/** What we use of the package pg. */
export type PostgresDriver = typeof pg;

export interface PostgresConnection {
  readonly client: ClientConfig;
  readonly schema: string;
  /** Connections at most. */
  readonly max: number;
  /** For a connection, a free one or a new one. */
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
}

/** Loads pg, which is an optional dependency, when it is first needed. */
export async function loadDriver(
  load: () => Promise<{ readonly default: PostgresDriver }> = () => import("pg"),
): Promise<PostgresDriver> {
  try {
    return (await load()).default;
  } catch (cause) {
    const message = "PostgreSQL needs the package pg: npm install pg@8.23.1";
    throw new RuntimeError("missing_dependency", message, { cause });
  }
}

/**
 * A server that is stopped amid a transaction keeps its locks, and nobody could take its sessions over: so long between
 * two statements, in ms, then the database ends it.
 */
const IDLE_IN_TRANSACTION_MS = 2_000;
/** A pool whose lost connections are replaced, and never end the process. */
export function openPool(driver: PostgresDriver, connection: PostgresConnection): PostgresPool {
  const config: PoolConfig = {
    ...clientConfig(driver, connection),
    max: connection.max,
    idleTimeoutMillis: 30_000,
  };
  const pool = new driver.Pool(config);
  pool.on("error", () => undefined);
  // While somebody has it, nobody else listens: without this, the end of a server between two statements ends us.
  pool.on("connect", (client) => client.on("error", () => undefined));
  const statements = new PreparedStatements();
  return {
    options: config,
    Client: driver.Client,
    connect: async () => {
      for (;;) {
        const client = await pool.connect();
        const known = statements.clientOf(client);
        if (known !== "outdated") return known ?? statements.prepare(await settled(client, connection));
        client.release(true);
      }
    },
    end: () => pool.end(),
  };
}

/** How every connection of ours speaks: 64-bit numbers as numbers (ours are below 2^53). */
export function clientConfig(driver: PostgresDriver, connection: PostgresConnection): ClientConfig {
  const { client, connectTimeoutMs } = connection;
  const types = new driver.TypeOverrides();
  types.setTypeParser(driver.types.builtins.INT8, Number);
  return {
    application_name: "agent-runtime",
    ...client,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    types,
  };
}

/** What holds for a connection from its first statement on; not start-up parameters, which poolers refuse. */
async function settled(client: PoolClient, connection: PostgresConnection): Promise<PoolClient> {
  const { schema, statementTimeoutMs } = connection;
  try {
    const timeouts = `set statement_timeout to ${statementTimeoutMs}; set idle_in_transaction_session_timeout to ${IDLE_IN_TRANSACTION_MS}`;
    await client.query(`set search_path to ${quoted(schema)}; ${timeouts}`);
    return client;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A connection of its own, outside the pool. */
export function newClient(driver: PostgresDriver, connection: PostgresConnection, more: ClientConfig): Client {
  return new driver.Client({ ...clientConfig(driver, connection), ...more });
}
