import { randomUUID } from "node:crypto";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { testServer } from "../../postgres/testing/test-database.ts";

/** A database of one test's own. */
export interface TestDatabase {
  readonly uri: string;
  readonly name: string;
  query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

/** Address of another database, or account, of the same server. */
export function elsewhere(uri: string, change: { user?: string; password?: string; name?: string }): string {
  const url = new URL(uri);
  url.username = change.user ?? url.username;
  url.password = change.password ?? url.password;
  url.pathname = `/${change.name ?? url.pathname.slice(1)}`;
  return url.href;
}

/** Makes an empty database on the run's MariaDB. Throws where there is none. */
export async function testDatabase({ options = "" } = {}): Promise<TestDatabase> {
  const server = await testServer("mariadb");
  if (typeof server === "string") throw new Error(server);
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await queryOnce(server.url, `create database ${name} ${options}`);
  return {
    name,
    uri: elsewhere(server.url, { name }),
    query: (text, values) => queryOnce(elsewhere(server.url, { name }), text, values),
    drop: async () => void (await queryOnce(server.url, `drop database if exists ${name}`)),
  };
}

async function queryOnce(uri: string, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = await createConnection({ uri, multipleStatements: true });
  try {
    const [rows] = await client.query<RowDataPacket[]>(text, values);
    return rows;
  } finally {
    await client.end();
  }
}
