import { persistenceContract, type PersistenceSubject } from "@hhopkins/agent-runtime-testkit";
import { afterAll, afterEach, beforeAll, test } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import { SESSION_TABLES } from "../sql/schema.ts";
import { postgresPersistence } from "./index.ts";
import { testDatabase, type TestDatabase } from "./testing/test-database.ts";

let database: TestDatabase;
let adapter: PersistenceAdapter | undefined;
let schema = "";
let count = 0;

beforeAll(async () => {
  database = await testDatabase();
});
afterEach(async () => {
  await adapter?.close?.();
  adapter = undefined;
});
afterAll(async () => database.drop());

async function reopen(): Promise<PersistenceAdapter> {
  await adapter?.close?.();
  adapter = postgresPersistence({ connectionString: database.url, schema });
  await adapter.open?.();
  return adapter;
}

const subject: PersistenceSubject = {
  open: async () => {
    schema = `case_${(count += 1)}`;
    return await reopen();
  },
  reopen,
  rowCount: async () => {
    const counts = SESSION_TABLES.map((table) => `(select count(*) from ${schema}.${table})`);
    const [row] = await database.query<{ rows: string }>(`select ${counts.join(" + ")} as rows`);
    return Number(row?.rows);
  },
};

for (const [name, run] of Object.entries(persistenceContract)) test(name, () => run(subject));
