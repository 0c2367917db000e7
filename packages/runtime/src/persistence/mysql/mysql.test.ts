import type { PersistenceSubject } from "@hhopkins/agent-runtime-testkit";
import driver from "mysql2/package.json" with { type: "json" };
import { afterEach } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import { testServer } from "../postgres/testing/test-database.ts";
import { SESSION_TABLES } from "../sql/schema.ts";
import { contractTests } from "../testing/contract-tests.ts";
import { mysqlPersistence } from "./index.ts";
import { testDatabase, type TestDatabase } from "./testing/test-database.ts";

const databases: TestDatabase[] = [];
const opened: PersistenceAdapter[] = [];

async function closeAll(): Promise<void> {
  for (const adapter of opened.splice(0)) await adapter.close?.();
}

afterEach(async () => {
  await closeAll();
  for (const database of databases.splice(0)) await database.drop();
});

/** A database of the case's own. */
function mysqlSubject(): PersistenceSubject {
  let database: TestDatabase;
  const another = async (): Promise<PersistenceAdapter> => {
    const adapter = mysqlPersistence({ uri: database.uri });
    opened.push(adapter);
    await adapter.open?.();
    return adapter;
  };
  return {
    open: async () => {
      // As a server of long ago would make it: what the tables need, the tables say.
      database = await testDatabase({ options: "character set latin1" });
      databases.push(database);
      return await another();
    },
    reopen: async () => {
      await closeAll();
      return await another();
    },
    second: another,
    rowCount: async () => {
      const counts = [...SESSION_TABLES, "answers", "removals"].map((name) => `(select count(*) from ${name})`);
      const [row] = await database.query(`select ${counts.join(" + ")} as total`);
      return Number(row!.total);
    },
  };
}

const server = await testServer("mariadb");
if (typeof server === "string") throw new Error(server);

contractTests({ store: "mysql", version: `${server.version}, mysql2 ${driver.version}` }, mysqlSubject, {
  suites: ["contract", "cluster"],
});
