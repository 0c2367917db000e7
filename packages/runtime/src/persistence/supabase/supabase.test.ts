import type { PersistenceSubject } from "@hhopkins/agent-runtime-testkit";
import { afterAll, afterEach, beforeAll } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import { SESSION_TABLES } from "../sql/schema.ts";
import { contractTests } from "../testing/contract-tests.ts";
import { supabasePersistence } from "./index.ts";
import { startProject, type TestProject } from "./testing/project.ts";

let project: TestProject;
const open: PersistenceAdapter[] = [];

beforeAll(async () => {
  project = await startProject();
});
afterEach(async () => {
  for (const adapter of open.splice(0)) await adapter.close?.();
});
afterAll(async () => project?.stop());

async function another(): Promise<PersistenceAdapter> {
  const adapter = supabasePersistence({ url: project.url, key: project.serviceKey });
  open.push(adapter);
  await adapter.open?.();
  return adapter;
}

const subject: PersistenceSubject = {
  open: async () => {
    const tables = [...SESSION_TABLES, "removals", "nodes", "answers"].map((table) => `agent_runtime.${table}`);
    await project.database.query(tables.map((table) => `delete from ${table}`).join("; "));
    return await another();
  },
  reopen: async () => {
    for (const adapter of open.splice(0)) await adapter.close?.();
    return await another();
  },
  second: another,
  rowCount: async () => {
    const counts = [...SESSION_TABLES, "answers"].map((table) => `(select count(*) from agent_runtime.${table})`);
    const [row] = await project.database.query<{ rows: string }>(`select ${counts.join(" + ")} as rows`);
    return Number(row?.rows);
  },
};

contractTests({ store: "supabase", version: "PostgREST 12.0.2, supabase-js 2.119.1" }, () => subject, {
  suites: ["contract", "cluster"],
});
