import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import { postgresPersistence } from "../postgres/index.ts";
import { supabasePersistence } from "./index.ts";
import { startProject, type TestProject } from "./testing/project.ts";

const AT = "2026-11-22T08:00:00.000Z";
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

const postgres = (schema?: string) =>
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
  await postgres("reference");
  const ours = await shape("agent_runtime");
  expect(ours.length).toBeGreaterThan(100);
  expect(ours).toEqual(await shape("reference"));
});

test("the PostgreSQL adapter finds them up to date, and both see the same sessions", async () => {
  const applied = "select name, timestamp from agent_runtime.agent_runtime_migrations order by name";
  const before = await project.database.query(applied);
  const direct = await postgres();
  const supabase = await opened(supabasePersistence({ url: project.url, key: project.serviceKey }));
  expect(await project.database.query(applied)).toEqual(before);
  const record = { type: "t", agentProfileReference: "default", createdAt: AT };
  await supabase.createSessionRecord({ sessionId: "by-rest", ...record, name: "odd \u0000 \ud800" });
  await direct.createSessionRecord({ sessionId: "direct", ...record, metadata: { odd: "\u0000" } });
  await direct.saveWorkspaceFile("by-rest", { path: "a.bin", content: "/wA=", encoding: "base64" });
  await supabase.saveWorkspaceFile("direct", { path: "a.txt", content: "é" });
  for (const id of ["by-rest", "direct"]) {
    expect(await supabase.loadSession(id)).toEqual(await direct.loadSession(id));
    expect((await supabase.loadSession(id))?.workspaceFiles).toHaveLength(1);
  }
  expect(await supabase.listAllSessions()).toEqual(await direct.listAllSessions());
});

test("servers that reach the tables in either way run sessions side by side", async () => {
  const direct = await postgres();
  const supabase = await opened(supabasePersistence({ url: project.url, key: project.serviceKey }));
  const [a, b] = [direct.store.cluster, supabase.store.cluster];
  if (a === undefined || b === undefined) throw new Error("no cluster");
  const node = (nodeId: string) => {
    return { nodeId, place: "here", sandboxes: 1, waiting: 2, maxSandboxes: 3, leaving: false };
  };
  await a.heartbeat(node("direct"), 60_000);
  expect(await b.heartbeat(node("by-rest"), 60_000)).toEqual({
    lapsed: true,
    nodes: expect.arrayContaining([node("direct"), node("by-rest")]) as unknown,
  });
  const key = { tenant: "default", sessionId: "shared" };
  const record = { sessionId: "shared", type: "t", agentProfileReference: "default", createdAt: AT };
  await supabase.store.create({ ...key, record, logId: "L", first: { events: [] } });
  const first = await a.claim(key, "direct");
  expect(await b.claim(key, "by-rest")).toEqual(first);
  const command = { ...key, id: "c1", from: "by-rest", method: "send", body: { odd: "\u0000" } };
  await b.send(command);
  expect(await a.waiting("direct", 10)).toEqual([command]);
  await a.answer("c1", { ok: true, data: null });
  expect(await b.answers(["c1"])).toEqual([{ ok: true, data: null }]);
  await a.leave("direct");
  const second = await b.claim(key, "by-rest");
  expect(second).toEqual({ nodeId: "by-rest", fence: first.fence + 1 });
  const batch = { ...key, expectedSeq: 0, events: [] };
  const [late] = await direct.store.append([{ ...batch, fence: first.fence }]);
  expect(late).toMatchObject({ code: "stale_fence" });
  expect(await direct.store.append([{ ...batch, fence: second.fence }])).toEqual([null]);
  expect(await supabase.store.append([{ ...batch, fence: first.fence }])).toEqual([late]);
});
