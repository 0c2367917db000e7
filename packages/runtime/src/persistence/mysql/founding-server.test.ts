import { foundingServerTests } from "../testing/founding-server-tests.ts";
import { mysqlPersistence } from "./index.ts";
import { testDatabase } from "./testing/test-database.ts";

foundingServerTests("mysql", async () => {
  const database = await testDatabase();
  return {
    adapter: () => mysqlPersistence({ uri: database.uri }),
    tables: async () => {
      const counts: Record<string, number> = {};
      for (const table of (await database.query("show tables")).map((row) => String(Object.values(row)[0]))) {
        if (table.includes("migrations")) continue;
        const [row] = await database.query(`select count(*) as total from \`${table}\``);
        counts[table] = Number(row?.["total"]);
      }
      return counts;
    },
    end: () => database.drop(),
  };
});
