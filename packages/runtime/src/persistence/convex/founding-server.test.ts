import { foundingServerTests } from "../testing/founding-server-tests.ts";
import { agentRuntimeTables } from "./functions/schema.ts";
import { convexPersistence } from "./index.ts";
import { startDeployment, TEST_SECRET } from "./testing/deployment.ts";

process.env["AGENT_RUNTIME_SECRET"] = TEST_SECRET;

foundingServerTests("convex", async () => {
  const deployment = await startDeployment();
  return {
    adapter: () => convexPersistence({ url: deployment.url, secret: TEST_SECRET }),
    tables: () =>
      deployment.look(async ({ db }) => {
        const counts: Record<string, number> = {};
        for (const table of Object.keys(agentRuntimeTables) as (keyof typeof agentRuntimeTables)[]) {
          counts[table] = (await db.query(table).collect()).length;
        }
        return counts;
      }),
    end: () => deployment.stop(),
  };
});
