import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type pg from "pg";
import type { Client, ClientConfig, Pool, PoolConfig, PoolClient, QueryResult } from "pg";
import type { PostgresPool, PostgresPoolClient } from "kysely";

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
/** Statements that a connection keeps prepared. */
const PREPARED = 200;

/** A pool whose lost connections are replaced, and never end the process. */
export function openPool(
  driver: PostgresDriver,
  connection: PostgresConnection,
): PostgresPool & { readonly pool: Pool } {
  const config: PoolConfig = {
    ...clientConfig(driver, connection),
    max: connection.max,
    idleTimeoutMillis: 30_000,
  };
  const pool = new driver.Pool(config);
  pool.on("error", () => undefined);
  // While somebody has it, nobody else listens: without this, the end of a server between two statements ends us.
  pool.on("connect", (client) => client.on("error", () => undefined));
  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text);
    if (known !== undefined || names.size >= PREPARED) return known;
    const name = `agent_runtime_${names.size}`;
    names.set(text, name);
    return name;
  };
  return {
    pool,
    options: config,
    Client: driver.Client,
    connect: async () => {
      const client = await pool.connect();
      return clients.get(client) ?? preparing(await settled(client, connection), nameOf);
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

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const clients = new WeakMap<PoolClient, PostgresPoolClient>();

/** The client, keeping what it is asked prepared. */
function preparing(client: PoolClient, nameOf: (text: string) => string | undefined): PostgresPoolClient {
  const query = async (text: string, values: readonly unknown[]): Promise<QueryResult> => {
    const name = values.length === 0 ? undefined : nameOf(text);
    return await client.query({ text, values: [...values], ...(name === undefined ? {} : { name }) });
  };
  const made = { query, release: (discard?: boolean) => client.release(discard) } as unknown as PostgresPoolClient;
  clients.set(client, made);
  return made;
}

/** A connection of its own, outside the pool. */
export function newClient(driver: PostgresDriver, connection: PostgresConnection, more: ClientConfig): Client {
  return new driver.Client({ ...clientConfig(driver, connection), ...more });
}
