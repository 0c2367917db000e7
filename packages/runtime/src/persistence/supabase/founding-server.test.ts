import { tableCounts } from "../postgres/testing/table-counts.ts";
import { foundingServerTests } from "../testing/founding-server-tests.ts";
import { supabasePersistence } from "./index.ts";
import { startProject } from "./testing/project.ts";

foundingServerTests("supabase", async () => {
  const project = await startProject();
  const { database } = project;
  return {
    adapter: () => supabasePersistence({ url: project.url, key: project.serviceKey }),
    tables: () => tableCounts(database),
    end: () => project.stop(),
  };
});
