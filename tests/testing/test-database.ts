import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createConnection } from "node:net";
import { createConnection as connectMysql, type RowDataPacket } from "mysql2/promise";
import { Client } from "pg";

export type DatabaseKind = "postgres" | "mysql";

/** A database of one test's own, on the run's server. */
export interface TestDatabase extends AsyncDisposable {
  readonly kind: DatabaseKind;
  /** For `--persistence`. `as`: a name that the database sees, so that it can tell who writes. */
  url(as?: string): string;
  query<R extends object = Record<string, unknown>>(text: string): Promise<R[]>;
}

/** A text says why there is none. */
export async function testDatabase(kind: DatabaseKind): Promise<TestDatabase | string> {
  const server = await runsServer(kind === "mysql" ? "mariadb" : kind);
  if (typeof server === "string") return server;
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  const query = kind === "mysql" ? queryMysql : queryPostgres;
  await query(server.url, `create database ${name}`);
  const own = new URL(server.url);
  own.pathname = `/${name}`;
  return {
    kind,
    url: (as) => (as === undefined ? own.href : named(own, kind, as)),
    query: (text) => query(own.href, text),
    async [Symbol.asyncDispose]() {
      await query(server.url, `drop database if exists ${name}${kind === "mysql" ? "" : " with (force)"}`);
    },
  };
}

/** PostgreSQL: as the name of the application; MySQL: as a user, whom the caller has made with the same password. */
function named(own: URL, kind: DatabaseKind, as: string): string {
  const url = new URL(own);
  if (kind === "mysql") url.username = as;
  else url.searchParams.set("application_name", as);
  return url.href;
}

/** A server of this run, by its name; a text says why there is none. */
export async function runsServer(name: string): Promise<{ readonly url: string } | string> {
  const offer = process.env["AGENT_RUNTIME_TEST_DATABASES"];
  if (offer === undefined) return "AGENT_RUNTIME_TEST_DATABASES is not set: nobody offers databases";
  const socket = createConnection(offer);
  await once(socket, "connect");
  socket.write(`${name}\n`);
  let text = "";
  for await (const part of socket) text += String(part);
  const answer = JSON.parse(text) as { url: string } | { none: string };
  return "none" in answer ? answer.none : answer;
}

async function queryPostgres<R extends object>(url: string, text: string): Promise<R[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}

async function queryMysql<R extends object>(uri: string, text: string): Promise<R[]> {
  const client = await connectMysql({ uri, multipleStatements: true });
  try {
    const [rows] = await client.query<RowDataPacket[]>(text);
    return rows as unknown as R[];
  } finally {
    await client.end();
  }
}
