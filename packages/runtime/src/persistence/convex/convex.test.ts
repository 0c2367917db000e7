import type { PersistenceSubject } from "@hhopkins/agent-runtime-testkit";
import { afterEach } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import { contractTests } from "../testing/contract-tests.ts";
import { agentRuntimeTables } from "./functions/schema.ts";
import { convexPersistence } from "./index.ts";
import { startDeployment, TEST_SECRET, type TestDeployment } from "./testing/deployment.ts";

process.env["AGENT_RUNTIME_SECRET"] = TEST_SECRET;

let deployment: TestDeployment | undefined;
const open: PersistenceAdapter[] = [];

afterEach(async () => {
  for (const adapter of open.splice(0)) await adapter.close?.();
  await deployment?.stop();
  deployment = undefined;
});

async function another(): Promise<PersistenceAdapter> {
  const adapter = convexPersistence({ url: deployment?.url ?? "", secret: TEST_SECRET, cluster: true });
  await adapter.open?.();
  open.push(adapter);
  return adapter;
}

type Table = keyof typeof agentRuntimeTables;
const TABLES = (Object.keys(agentRuntimeTables) as Table[]).filter((table) => table !== "agentRuntimeNodes");

const subject: PersistenceSubject = {
  open: async () => {
    deployment = await startDeployment();
    return await another();
  },
  reopen: async () => {
    for (const adapter of open.splice(0)) await adapter.close?.();
    return await another();
  },
  second: another,
  rowCount: async () =>
    (await deployment?.look(async ({ db }) => {
      let count = 0;
      for (const table of TABLES) count += (await db.query(table).collect()).length;
      return count;
    })) ?? 0,
};

contractTests({ store: "convex", version: "convex 1.48.0 over HTTP, convex-test 0.0.60" }, () => subject, {
  suites: ["contract", "cluster"],
});
