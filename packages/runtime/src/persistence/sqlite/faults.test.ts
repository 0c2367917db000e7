import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import type { SessionStore } from "../session-store.ts";
import { loadDriver, type SqliteConnection, type SqliteDriver } from "./driver.ts";
import { sqlitePersistence } from "./index.ts";
import { delta, expectError, failure, key, record } from "../testing/store-faults.ts";

let folder = "";
let file = "";
const opened: PersistenceAdapter[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-runtime-sqlite-"));
  file = join(folder, "test.db");
});

afterEach(async () => {
  for (const adapter of opened.splice(0)) await adapter.close?.();
  rmSync(folder, { recursive: true, force: true });
});

/** An open adapter whose connection the test can reach. */
async function openWith(
  path = file,
): Promise<{ adapter: PersistenceAdapter; store: SessionStore; connection: SqliteConnection }> {
  const driver = await loadDriver();
  let connection: SqliteConnection | undefined;
  const reached: SqliteDriver = (name) => (connection = driver(name));
  const adapter = sqlitePersistence({ file: path }, async () => reached);
  await adapter.open?.();
  opened.push(adapter);
  return { adapter, store: adapter.store, connection: connection! };
}

async function openFailure(path: string): Promise<RuntimeError> {
  const adapter = sqlitePersistence({ file: path });
  return await failure(adapter.open?.());
}

describe("opening", () => {
  test("a file that is no database is named, and left as it is", async () => {
    writeFileSync(file, "this is a letter, not a database. ".repeat(100));
    const error = await openFailure(file);
    expectError(error, "data_dir_unusable", /test\.db: the file is no SQLite database: move it away/);
    expect(error.cause).toBeDefined();
  });

  test("a damaged database is named", async () => {
    const { store, adapter } = await openWith();
    await store.create({ ...key, record, logId: "L", first: { events: [delta(1, "x".repeat(50_000))] } });
    await adapter.close?.();
    const database = new Database(file);
    // Points the schema's first page to pages that are not what it says.
    database.unsafeMode(true);
    database.pragma("writable_schema = on");
    database.exec("update sqlite_master set rootpage = 3 where name = 'events'");
    database.close();
    const again = await openWith();
    const [outcome] = await again.store.append([{ ...key, expectedSeq: 1, events: [delta(2, "y")] }]);
    expectError(outcome, "persistence_unavailable", /damaged/);
  });

  test("a folder in the place of the file", async () => {
    mkdirSync(file);
    expectError(await openFailure(file), "data_dir_unusable", /cannot be opened/);
  });

  test("a folder that cannot be made", async () => {
    writeFileSync(file, "");
    expectError(await openFailure(join(file, "sub", "test.db")), "data_dir_unusable", /a part of the path is a file/);
  });

  test("a place where nobody can make a folder", async () => {
    expectError(await openFailure("/proc/agent-runtime/test.db"), "data_dir_unusable", /cannot be made there/);
  });

  test("a file that is not writable", async () => {
    const { adapter } = await openWith();
    await adapter.close?.();
    // What an unwritable file gives, also for root, who may write anything.
    const readOnly: SqliteDriver = (name) => new Database(name, { readonly: true });
    const error = await failure(sqlitePersistence({ file }, async () => readOnly).open?.());
    expectError(error, "data_dir_unusable", /read-only: make the file and its folder writable/);
  });

  test("a database of a newer version is refused, and not changed", async () => {
    const { adapter } = await openWith();
    await adapter.close?.();
    const database = new Database(file);
    const insert = "insert into agent_runtime_migrations (name, timestamp) values ('999-later', '2030-01-01')";
    database.exec(insert);
    const names = (from: typeof database) => from.prepare("select name from agent_runtime_migrations").pluck().all();
    const before = names(database);
    database.close();
    expectError(await openFailure(file), "data_dir_unusable", /newer version.*999-later/);
    const after = new Database(file, { readonly: true });
    expect(names(after)).toEqual(before);
    after.close();
  });

  test("without better-sqlite3 the error says what to install", async () => {
    const missing = async (): Promise<SqliteDriver> => {
      const absent = "better-sqlite3-that-is-not-installed";
      return await loadDriver(() => import(absent));
    };
    const error = await failure(sqlitePersistence({ file }, missing).open?.());
    expectError(error, "missing_dependency", /npm install better-sqlite3@\d+\.\d+\.\d+/);
  });

  test("before it is opened, every call says so", async () => {
    const adapter = sqlitePersistence({ file });
    expectError(await failure(adapter.listAllSessions()), "persistence_unavailable", /open/);
  });

  test("the migrated tables all have a tenant, but those of nodes, of their answers and of profiles, and the journal is WAL", async () => {
    const { connection } = await openWith();
    const tables = connection.prepare("select name from sqlite_master where type = 'table'").all([]) as {
      name: string;
    }[];
    const ours = tables
      .map((table) => table.name)
      .filter((name) => !/^(sqlite_|agent_runtime_migrations|agent_profiles$|nodes$|answers$)/.test(name));
    expect(ours.length).toBeGreaterThan(8);
    for (const name of ours) {
      const columns = connection.prepare(`select name from pragma_table_info('${name}')`).all([]) as { name: string }[];
      expect([name, columns.map((column) => column.name)]).toEqual([name, expect.arrayContaining(["tenant"])]);
    }
    expect(connection.pragma("journal_mode")).toEqual([{ journal_mode: "wal" }]);
    expect(connection.pragma("synchronous")).toEqual([{ synchronous: 1 }]);
  });

  test("synchronous: full waits for the disk", async () => {
    const driver = await loadDriver();
    let connection: SqliteConnection | undefined;
    const adapter = sqlitePersistence({ file, synchronous: "full" }, async () => (name) => (connection = driver(name)));
    await adapter.open?.();
    opened.push(adapter);
    expect(connection?.pragma("synchronous")).toEqual([{ synchronous: 2 }]);
  });
});

describe("writing", () => {
  test("a full disk refuses the batch and keeps what was there; with space again it goes on", async () => {
    const { store, connection } = await openWith();
    await store.create({ ...key, record, logId: "L", first: { events: [delta(1, "a")] } });
    const [{ page_count: pages }] = connection.pragma("page_count") as [{ page_count: number }];
    connection.pragma(`max_page_count = ${pages + 5}`);
    const large = { ...key, expectedSeq: 1, events: [delta(2, "x".repeat(200_000))] };
    const small = { ...key, expectedSeq: 1, events: [delta(2, "small")] };
    const outcomes = await store.append([large, small]);
    expectError(outcomes[0], "persistence_unavailable", /disk is full: free some space \(SQLITE_FULL/);
    expect(outcomes[1]).toBeNull();
    expect((await store.head(key))?.lastSeq).toBe(2);
    connection.pragma("max_page_count = 100000");
    expect(await store.append([{ ...large, expectedSeq: 2, events: [delta(3, "x".repeat(200_000))] }])).toEqual([null]);
    expect((await store.events(key, { after: 0, limit: 10 })).map((event) => event.seq)).toEqual([1, 2, 3]);
  });

  test("a database that has become read-only", async () => {
    const { store, connection } = await openWith();
    await store.create({ ...key, record, logId: "L", first: { events: [delta(1, "a")] } });
    connection.pragma("query_only = on");
    const [outcome] = await store.append([{ ...key, expectedSeq: 1, events: [delta(2, "b")] }]);
    expectError(outcome, "persistence_unavailable", /read-only: make the file and its folder writable/);
    expectError(await failure(store.delete(key)), "persistence_unavailable", /read-only/);
    expect((await store.head(key))?.lastSeq).toBe(1);
  });

  test("a database that another process has locked", async () => {
    const { store, connection } = await openWith();
    await store.create({ ...key, record, logId: "L", first: { events: [delta(1, "a")] } });
    connection.pragma("busy_timeout = 1");
    const other = new Database(file);
    other.exec("begin immediate");
    const [outcome] = await store.append([{ ...key, expectedSeq: 1, events: [delta(2, "b")] }]);
    expectError(outcome, "persistence_unavailable", /another process holds the database/);
    other.exec("rollback");
    other.close();
    expect(await store.append([{ ...key, expectedSeq: 1, events: [delta(2, "b")] }])).toEqual([null]);
  });

  test("a row that somebody broke is named, and other sessions are not affected", async () => {
    const { store, connection } = await openWith();
    await store.create({ ...key, record, logId: "L", first: { events: [delta(1, "a"), delta(2, "b")] } });
    connection.prepare("update events set data = '{' where seq = 2").run([]);
    expectError(
      await failure(store.events(key, { after: 0, limit: 10 })),
      "persistence_unavailable",
      /event 2 of session s1/,
    );
    connection.prepare(`update events set data = '{"sessionId":7}' where seq = 2`).run([]);
    expectError(
      await failure(store.events(key, { after: 0, limit: 10 })),
      "persistence_unavailable",
      /event 2 of session s1/,
    );
    expect(await store.events(key, { after: 0, limit: 1 })).toHaveLength(1);
  });

  test("a snapshot of another version of the protocol is not used", async () => {
    const { store, connection } = await openWith();
    await store.create({ ...key, record, logId: "L", first: { events: [delta(1, "a")] } });
    const snapshot = { lastSeq: 1, runtime: { isLoaded: false, sandbox: null } } as never;
    expect(await store.append([{ ...key, expectedSeq: 1, events: [], snapshot }])).toEqual([null]);
    expect((await store.head(key))?.snapshot).toEqual(snapshot);
    connection.prepare("update snapshots set version = version + 1").run([]);
    expect((await store.head(key))?.snapshot).toBeNull();
  });
});
