import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import type { SessionListQuery, SessionStore } from "../session-store.ts";
import { loadDriver, type SqliteConnection, type SqliteDriver } from "./driver.ts";
import { sqlitePersistence } from "./index.ts";

const AT = "2026-11-22T08:00:00.000Z";
let folder = "";
let connection: SqliteConnection;
/** Statements that read, with their values. */
let asked: { sql: string; values: readonly unknown[] }[] = [];
let adapter: PersistenceAdapter & { readonly store: SessionStore };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-runtime-sqlite-"));
  const driver = await loadDriver();
  connection = driver(join(folder, "test.db"));
  const recorded: SqliteDriver = () => ({
    inTransaction: false,
    pragma: (source) => connection.pragma(source),
    close: () => connection.close(),
    prepare: (sql) => {
      const statement = connection.prepare(sql);
      const all = statement.all.bind(statement);
      statement.all = (values: readonly unknown[]) => {
        asked.push({ sql, values });
        return all(values);
      };
      return statement;
    },
  });
  adapter = sqlitePersistence(
    { file: join(folder, "test.db") },
    async () => (name) => (name.endsWith(".lock") ? driver(name) : recorded(name)),
  );
  await adapter.open?.();
});

afterEach(async () => {
  await adapter.close?.();
  rmSync(folder, { recursive: true });
});

/** How SQLite finds what a query asks for: the plan of the one statement that it is. */
async function planOf(query: Omit<SessionListQuery, "tenant" | "limit">): Promise<string> {
  asked = [];
  await adapter.store.list({ tenant: "default", limit: 50, ...query });
  expect(asked).toHaveLength(1);
  const steps = connection.prepare(`explain query plan ${asked[0]!.sql}`).all(asked[0]!.values) as { detail: string }[];
  return steps.map(({ detail }) => detail).join("; ");
}

test("a page of any order, with any filter that compares, is read from an index in its order", async () => {
  for (const id of ["a", "b", "c"]) {
    const record = { sessionId: id, type: "t", agentProfileReference: "p", createdAt: AT };
    await adapter.store.create({ tenant: "default", sessionId: id, record, logId: "L", first: { events: [] } });
  }
  const indexes = {
    activity: ["sessions_by_activity", "by_type_and_activity", "by_profile_and_activity", "by_loaded_and_activity"],
    created: ["sessions_by_creation", "by_type_and_creation", "by_profile_and_creation", "by_loaded_and_creation"],
  };
  for (const order of ["activity", "created"] as const) {
    const { nextCursor: cursor } = await adapter.store.list({ tenant: "default", limit: 1, order });
    expect(cursor).toBeDefined();
    const filters = [{}, { type: "t" }, { agentProfileReference: "p" }, { isLoaded: true }];
    for (const [index, filter] of filters.entries()) {
      for (const page of [{}, { cursor: cursor! }]) {
        const plan = await planOf({ order, filter, ...page });
        expect(plan).toMatch(new RegExp(`^SEARCH sessions USING INDEX (\\w+_)?${indexes[order][index]} \\([^;]*$`));
      }
    }
    const range = order === "created" ? { createdFrom: AT, createdBefore: AT } : { activeFrom: AT, activeBefore: AT };
    expect(await planOf({ order, filter: range })).toMatch(
      /^SEARCH sessions USING INDEX [^;]* AND \w+>\? AND \w+<\?\)$/,
    );
  }
});

test("sessions of a database of before lists by creation have their place in them", async () => {
  const file = join(folder, "before.db");
  const before = sqlitePersistence({ file }, async () => await loadDriver());
  await before.open?.();
  for (const [index, id] of ["a", "b", "c"].entries()) {
    const createdAt = `2026-11-22T08:00:0${2 - index}.5Z`;
    const record = { sessionId: id, type: "t", agentProfileReference: "p", createdAt };
    await before.store.create({ tenant: `t${index % 2}`, sessionId: id, record, logId: "L", first: { events: [] } });
  }
  await before.close?.();
  const database = (await loadDriver())(file);
  const run = (text: string): unknown => database.prepare(text).run([]);
  const indexes = database
    .prepare(
      "select name from sqlite_master where type = 'index' and (name like '%creation' or name like '%and_activity')",
    )
    .all([]) as { name: string }[];
  expect(indexes).toHaveLength(7);
  for (const { name } of indexes) run(`drop index ${name}`);
  run("create index sessions_by_loaded on sessions (loaded)");
  run("alter table sessions drop column created_ms");
  run("drop table agent_profiles");
  run("delete from agent_runtime_migrations where name >= '006'");
  database.close();
  await before.open?.();
  const list = async (tenant: string) =>
    (await before.store.list({ tenant, limit: 9, order: "created" })).sessions.map(({ sessionId }) => sessionId);
  expect([await list("t0"), await list("t1")]).toEqual([["a", "c"], ["b"]]);
  const early = { createdBefore: "2026-11-22T08:00:01Z" };
  expect((await before.store.list({ tenant: "t0", limit: 9, filter: early })).sessions).toHaveLength(1);
  await before.close?.();
});
