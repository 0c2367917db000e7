import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import { postgresPersistence } from "../postgres/index.ts";
import { supabasePersistence } from "./index.ts";
import { startProject, type TestProject } from "./testing/project.ts";

let project: TestProject;
beforeAll(async () => {
  project = await startProject();
});
afterAll(async () => project.stop());

async function opened<A extends PersistenceAdapter>(adapter: A): Promise<A> {
  onTestFinished(async () => adapter.close?.());
  await adapter.open?.();
  return adapter;
}

const direct = (schema?: string) =>
  opened(
    postgresPersistence({
      connectionString: project.database.url,
      max: 2,
      ...(schema === undefined ? {} : { schema }),
    }),
  );

/** Columns, keys and indexes of a schema, each as a text that names no schema. */
async function shape(schema: string): Promise<string[]> {
  const columns = `
    select format('column %s.%s %s %s not null %s default %s', c.relname, a.attname,
      format_type(a.atttypid, a.atttypmod), l.collname, a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) as text
    from pg_attribute a join pg_class c on c.oid = a.attrelid and c.relkind = 'r'
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_collation l on l.oid = a.attcollation
    where c.relnamespace = $1::regnamespace and a.attnum > 0 and not a.attisdropped`;
  const keys = `
    select format('key %s %s: %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) as text
    from pg_constraint c where c.connamespace = $1::regnamespace`;
  const indexes = `select 'index ' || indexdef as text from pg_indexes where schemaname = $1::regnamespace::text`;
  const rows = await project.database.query<{ text: string }>(`${columns} union ${keys} union ${indexes}`, [schema]);
  return rows.map(({ text }) => text.replaceAll(`${schema}.`, "")).toSorted();
}

test("the tables are those that the PostgreSQL adapter makes", async () => {
  await direct("reference");
  const ours = await shape("agent_runtime");
  expect(ours.length).toBeGreaterThan(100);
  expect(ours).toEqual(await shape("reference"));
});

test("the PostgreSQL adapter finds them up to date, and both see the same sessions", async () => {
  const applied = "select name, timestamp from agent_runtime.agent_runtime_migrations order by name";
  const before = await project.database.query(applied);
  const postgres = await direct();
  const supabase = await opened(supabasePersistence({ url: project.url, key: project.serviceKey }));
  expect(await project.database.query(applied)).toEqual(before);
  const record = { type: "t", agentProfileReference: "default", createdAt: "2026-11-22T08:00:00.000Z" };
  await supabase.createSessionRecord({ sessionId: "by-rest", ...record, name: "odd \u0000 \ud800" });
  await postgres.createSessionRecord({ sessionId: "direct", ...record, metadata: { odd: "\u0000" } });
  await postgres.saveWorkspaceFile("by-rest", { path: "a.bin", content: "/wA=", encoding: "base64" });
  await supabase.saveWorkspaceFile("direct", { path: "a.txt", content: "é" });
  for (const id of ["by-rest", "direct"]) {
    expect(await supabase.loadSession(id)).toEqual(await postgres.loadSession(id));
    expect((await supabase.loadSession(id))?.workspaceFiles).toHaveLength(1);
  }
  expect(await supabase.listAllSessions()).toEqual(await postgres.listAllSessions());
});
