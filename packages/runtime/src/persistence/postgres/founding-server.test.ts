import { foundingServerTests } from "../testing/founding-server-tests.ts";
import { postgresPersistence } from "./index.ts";
import { testDatabase } from "./testing/test-database.ts";
import { tableCounts } from "./testing/table-counts.ts";

foundingServerTests("postgres", async () => {
  const database = await testDatabase();
  return {
    adapter: () => postgresPersistence({ connectionString: database.url }),
    tables: () => tableCounts(database),
    end: () => database.drop(),
  };
});
