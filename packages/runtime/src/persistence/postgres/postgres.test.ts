import type { PersistenceSubject } from "@hhopkins/agent-runtime-testkit";
import pg from "pg/package.json" with { type: "json" };
import { afterAll, afterEach, beforeAll } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import { SESSION_TABLES } from "../sql/schema.ts";
import { contractTests } from "../testing/contract-tests.ts";
import { postgresPersistence } from "./index.ts";
import { testDatabase, testServer, type TestDatabase } from "./testing/test-database.ts";

let database: TestDatabase;
let count = 0;
const opened: PersistenceAdapter[] = [];

beforeAll(async () => {
  database = await testDatabase();
});
afterEach(async () => {
  for (const adapter of opened.splice(0)) await adapter.close?.();
  // Opening looks through all tables that there are.
  await database.query(`drop schema if exists case_${count} cascade`);
});
afterAll(async () => database.drop());

/** A schema of the case's own. */
function postgresSubject(): PersistenceSubject {
  const schema = `case_${(count += 1)}`;
  const another = async (): Promise<PersistenceAdapter> => {
    const adapter = postgresPersistence({ connectionString: database.url, schema });
    opened.push(adapter);
    await adapter.open?.();
    return adapter;
  };
  return {
    open: another,
    reopen: async () => {
      for (const adapter of opened.splice(0)) await adapter.close?.();
      return await another();
    },
    second: another,
    rowCount: async () => {
      const counts = [...SESSION_TABLES, "answers", "removals"].map(
        (name) => `(select count(*) from ${schema}.${name})`,
      );
      const [row] = await database.query<{ rows: string }>(`select ${counts.join(" + ")} as rows`);
      return Number(row?.rows);
    },
  };
}

const server = await testServer();
if (typeof server === "string") throw new Error(server);

contractTests({ store: "postgres", version: `${server.version}, pg ${pg.version}` }, postgresSubject, {
  suites: ["contract", "cluster"],
});
