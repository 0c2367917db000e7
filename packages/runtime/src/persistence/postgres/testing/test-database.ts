import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createConnection } from "node:net";
import { Client } from "pg";

/** A database of one test's own. */
export interface TestDatabase {
  readonly url: string;
  query<R extends object = Record<string, unknown>>(text: string, values?: unknown[]): Promise<R[]>;
  /** Holds rows, all that the query selects, as another writer does. */
  lock(rows: string): Promise<HeldLock>;
  /** Ends every other connection, as a server that goes down does. */
  endConnections(): Promise<void>;
  drop(): Promise<void>;
}

export interface HeldLock extends AsyncDisposable {
  /** Resolves when somebody waits for it. */
  waitedFor(): Promise<void>;
  release(): Promise<void>;
}

/** The run's PostgreSQL, which starts with the first who asks; a text says why there is none. */
export async function testServer(
  name = "postgres",
): Promise<{ readonly url: string; readonly version: string } | string> {
  const offer = process.env["AGENT_RUNTIME_TEST_DATABASES"];
  if (offer === undefined)
    return "AGENT_RUNTIME_TEST_DATABASES is not set: run the tests through Vitest's configuration";
  const socket = createConnection(offer);
  await once(socket, "connect");
  socket.write(`${name}\n`);
  let text = "";
  for await (const part of socket) text += String(part);
  const answer = JSON.parse(text) as { url: string; version: string } | { none: string };
  return "none" in answer ? answer.none : answer;
}

/** Makes an empty database on the run's server. Throws where there is none: see the server's own test for the reason. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = await testServer();
  if (typeof server === "string") throw new Error(server);
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await queryOnce(server.url, `create database ${name}`);
  const url = server.url.replace(/\/postgres$/, `/${name}`);
  return {
    url,
    query: (text, values) => queryOnce(url, text, values),
    lock: (rows) => lock(url, rows),
    endConnections: async () => {
      await queryOnce(
        url,
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'agent-runtime'",
      );
    },
    drop: async () => void (await queryOnce(server.url, `drop database if exists ${name} with (force)`)),
  };
}

async function queryOnce<R extends object>(url: string, text: string, values: unknown[] = []): Promise<R[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await (values.length === 0 ? client.query<R>(text) : client.query<R>(text, values))).rows;
  } finally {
    await client.end();
  }
}

async function lock(url: string, rows: string): Promise<HeldLock> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query("begin");
  await client.query(`${rows} for update`);
  const { rows: own } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  let isHeld = true;
  const release = async (): Promise<void> => {
    if (!isHeld) return;
    isHeld = false;
    await client.query("rollback");
    await client.end();
  };
  return {
    waitedFor: async () => {
      const waiting = "select 1 from pg_stat_activity where $1::int = any (pg_blocking_pids(pid))";
      for (const end = performance.now() + 20_000; (await queryOnce(url, waiting, [own[0]?.pid])).length === 0;)
        if (performance.now() > end) throw new Error("nobody waits for the lock");
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}
