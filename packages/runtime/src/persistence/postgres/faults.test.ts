import type { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import type { SessionStore } from "../session-store.ts";
import { loadDriver, type PostgresDriver } from "./driver.ts";
import { postgresPersistence, type PostgresPersistenceOptions } from "./index.ts";
import { cuttableWay } from "./testing/proxy.ts";
import { testDatabase, type TestDatabase } from "./testing/test-database.ts";
import { create, delta, expectError, expectRefused, failure, key } from "../testing/store-faults.ts";

let database: TestDatabase;
let count = 0;
const opened: PersistenceAdapter[] = [];

beforeAll(async () => {
  database = await testDatabase();
});
afterEach(async () => {
  for (const adapter of opened.splice(0)) await adapter.close?.();
});
afterAll(async () => database.drop());

const LOST = /connection was lost|Connection terminated/;
const nextSchema = (): string => `faults_${(count += 1)}`;

async function open(options: PostgresPersistenceOptions = {}): Promise<SessionStore> {
  const adapter = postgresPersistence({ connectionString: database.url, schema: nextSchema(), ...options });
  await adapter.open?.();
  opened.push(adapter);
  return adapter.store;
}

async function openFailure(options: PostgresPersistenceOptions): Promise<RuntimeError> {
  return await failure(postgresPersistence({ schema: nextSchema(), ...options }).open?.());
}

function changed(change: (url: URL) => void): string {
  const url = new URL(database.url);
  change(url);
  return url.href;
}

/** A role that may log in, and nothing else. */
async function role(): Promise<string> {
  const name = `role_${(count += 1)}`;
  await database.query(`create role ${name} login password 'only-for-tests'`);
  return changed((url) => {
    url.username = name;
    url.password = "only-for-tests";
  });
}

describe("opening", () => {
  test("options that are none are named, and nobody is told the password", () => {
    const wrong: [PostgresPersistenceOptions, RegExp][] = [
      [{ connectionString: "mysql://user:secret-word@host/db" }, /connectionString must look like postgres:\/\//],
      [{ connectionString: "user:secret-word@host" }, /connectionString must look like/],
      [{ connectionString: database.url, schema: "a-b" }, /schema must begin with a letter/],
      [{ connectionString: database.url, max: 0 }, /max must be a whole number of at least 1/],
      [{ connectionString: database.url, connectTimeoutMs: 0.5 }, /connectTimeoutMs must be/],
      [{ connectionString: database.url, statementTimeoutMs: -1 }, /statementTimeoutMs must be/],
    ];
    expectRefused(postgresPersistence, wrong);
  });

  test("an account by its parts, with a password that is asked for, and profiles of one's own", async () => {
    const { hostname: host, port, username: user, password, pathname } = new URL(database.url);
    const account = { host, port: Number(port), user, database: pathname.slice(1) };
    const profile = { id: "mine", name: "Mine", systemPrompt: "Be brief." };
    const connection = { ...account, password: async () => password, application_name: "my-server" };
    const adapter = postgresPersistence({ connection, schema: nextSchema(), profiles: [profile] });
    await adapter.open?.();
    opened.push(adapter);
    await create(adapter.store);
    expect(await adapter.listAgentProfiles()).toEqual([{ id: "mine", name: "Mine" }]);
    const named = "select count(*) as n from pg_stat_activity where application_name = 'my-server'";
    expect(Number((await database.query<{ n: string }>(named))[0]?.n)).toBeGreaterThan(0);
    const wrong = { ...connection, password: "wrong-word" };
    const text = /PostgreSQL at 127\.0\.0\.1:\d+\/test_\w+: the user or the password is wrong/;
    expectError(await openFailure({ connection: wrong }), "invalid_configuration", text);
  });

  test("nobody there, no such host", async () => {
    const port = changed((url) => (url.port = "1"));
    const error = await openFailure({ connectionString: port });
    expectError(error, "persistence_unavailable", /127\.0\.0\.1:1\/test_\w+: nobody answers there.*ECONNREFUSED/);
    expect(error.message).not.toContain("only-for-tests");
    const host = changed((url) => (url.hostname = "no-such-host.invalid"));
    expectError(await openFailure({ connectionString: host }), "persistence_unavailable", /no host of this name/);
  });

  test("a wrong password, a user that is not there, a database that is not there", async () => {
    const password = changed((url) => (url.password = "wrong-word"));
    const error = await openFailure({ connectionString: password });
    expectError(error, "invalid_configuration", /the user or the password is wrong.*28P01/);
    expect(error.message).not.toContain("wrong-word");
    const user = changed((url) => (url.username = "nobody"));
    expectError(
      await openFailure({ connectionString: user }),
      "invalid_configuration",
      /user or the password is wrong/,
    );
    const other = changed((url) => (url.pathname = "/no_such_database"));
    const text = /no such database: create it, or name another one \(3D000/;
    expectError(await openFailure({ connectionString: other }), "invalid_configuration", text);
  });

  test("a user without rights is told which; with a schema of its own it works", async () => {
    const url = await role();
    const schema = nextSchema();
    const text = /grant it the right to create in the database, or have its owner run CREATE SCHEMA/;
    expectError(await openFailure({ connectionString: url, schema }), "invalid_configuration", text);
    await database.query(`create schema ${schema} authorization ${new URL(url).username}`);
    const store = await open({ connectionString: url, schema });
    await create(store);
    expect((await store.head(key))?.lastSeq).toBe(1);
  });

  test("a database of a newer version is refused, and not changed", async () => {
    const schema = nextSchema();
    await open({ schema });
    const names = () => database.query(`select name from ${schema}.agent_runtime_migrations order by name`);
    await database.query(`insert into ${schema}.agent_runtime_migrations values ('999-later', '2030-01-01')`);
    const before = await names();
    const error = await openFailure({ connectionString: database.url, schema });
    expectError(error, "data_dir_unusable", /newer version.*999-later/);
    expect(await names()).toEqual(before);
  });

  test("a database that is read-only: refused where tables have to be made, later writes say so", async () => {
    const url = await role();
    const user = new URL(url).username;
    const schema = nextSchema();
    await database.query(`create schema ${schema} authorization ${user}`);
    const readOnly = `alter role ${user} set default_transaction_read_only`;
    await database.query(`${readOnly} = on`);
    expectError(await openFailure({ connectionString: url, schema }), "persistence_unavailable", /read-only.*primary/);
    await database.query(`${readOnly} = off`);
    const store = await open({ connectionString: url, schema });
    await create(store);
    await database.query(`${readOnly} = on`);
    await database.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${user}'`);
    // The first statement may find the connection gone.
    await vi.waitFor(async () => expect((await store.head(key))?.lastSeq).toBe(1));
    const [outcome] = await store.append([{ ...key, expectedSeq: 1, events: [delta(2)] }]);
    expectError(outcome, "persistence_unavailable", /the database is read-only.*connect to the primary \(25006/);
    expect((await store.head(key))?.lastSeq).toBe(1);
  });

  test("twenty nodes that start at once on an empty database", async () => {
    const schema = nextSchema();
    const stores = await Promise.all(Array.from({ length: 20 }, () => open({ schema, max: 2 })));
    await create(stores[0]!);
    for (const store of stores) expect((await store.head(key))?.lastSeq).toBe(1);
  });

  test("without pg the error says what to install", async () => {
    const absent = "pg-that-is-not-installed";
    const missing = async (): Promise<PostgresDriver> => await loadDriver(() => import(absent));
    const error = await failure(postgresPersistence({ connectionString: database.url }, missing).open?.());
    expectError(error, "missing_dependency", /npm install pg@\d+\.\d+\.\d+/);
  });

  test("before it is opened, every call says so", async () => {
    const adapter = postgresPersistence({ connectionString: database.url });
    expectError(await failure(adapter.listAllSessions()), "persistence_unavailable", /open/);
  });
});

describe("running", () => {
  test("tables that somebody removed", async () => {
    const schema = nextSchema();
    const store = await open({ schema });
    await create(store);
    await database.query(`drop schema ${schema} cascade`);
    expectError(await failure(store.head(key)), "persistence_unavailable", /a table is missing: put back a backup/);
  });

  test("tables that a newer version has added to, while this one runs", async () => {
    const schema = nextSchema();
    const store = await open({ schema });
    await create(store);
    const look = () => Promise.all(Array.from({ length: 20 }, () => store.head(key)));
    await look();
    await database.query(`alter table ${schema}.sessions add column later text`);
    for (const head of await look()) expect(head?.lastSeq).toBe(1);
    expect(await store.append([{ ...key, expectedSeq: 1, events: [delta(2)] }])).toEqual([null]);
  });

  test("a pool whose connections are all busy says what to do, and works again afterwards", async () => {
    const schema = nextSchema();
    const store = await open({ schema, max: 1, connectTimeoutMs: 300 });
    await create(store);
    await using lock = await database.lock(`select * from ${schema}.logs`);
    const waiting = store.append([{ ...key, expectedSeq: 1, events: [delta(2)] }]);
    await lock.waitedFor();
    expectError(await failure(store.head(key)), "persistence_unavailable", /no connection of the pool.*raise max/);
    await lock.release();
    expect(await waiting).toEqual([null]);
    expect((await store.head(key))?.lastSeq).toBe(2);
  });

  test("a server that has no connection left", async () => {
    const url = await role();
    await database.query(`alter role ${new URL(url).username} connection limit 0`);
    expectError(await openFailure({ connectionString: url }), "persistence_unavailable", /no connection left.*53300/);
  });

  test("a statement that takes too long is given up, and leaves nothing", async () => {
    const schema = nextSchema();
    const store = await open({ schema, statementTimeoutMs: 200 });
    await create(store);
    await using lock = await database.lock(`select * from ${schema}.logs`);
    const [outcome] = await store.append([{ ...key, expectedSeq: 1, events: [delta(2)] }]);
    expectError(outcome, "persistence_unavailable", /longer than statementTimeoutMs.*57014/);
    await lock.release();
    expect((await store.head(key))?.lastSeq).toBe(1);
    expect(await store.append([{ ...key, expectedSeq: 1, events: [delta(2)] }])).toEqual([null]);
  });

  test("every connection is ended: the process goes on, and so does the store", async () => {
    const schema = nextSchema();
    const store = await open({ schema });
    await create(store);
    await Promise.all(Array.from({ length: 8 }, () => store.head(key)));
    await using lock = await database.lock(`select * from ${schema}.logs`);
    const writing = store.append([{ ...key, expectedSeq: 1, events: [delta(2)] }]);
    await lock.waitedFor();
    await database.endConnections();
    expectError((await writing)[0], "persistence_unavailable", /ended the connection|connection was lost/);
    await lock.release();
    await vi.waitFor(async () => expect((await store.head(key))?.lastSeq).toBe(1));
    expect(await store.append([{ ...key, expectedSeq: 1, events: [delta(2)] }])).toEqual([null]);
  });

  test("the answer to an append is lost: the log's head says that it was written, and the same again is refused", async () => {
    await using way = await cuttableWay(database.url);
    const store = await open({ connectionString: way.url });
    await create(store);
    const batch = { ...key, expectedSeq: 1, events: [delta(2)] };
    way.loseAnswer(0);
    expectError((await store.append([batch]))[0], "persistence_unavailable", LOST);
    expect((await store.head(key))?.lastSeq).toBe(2);
    expect(await store.append([batch])).toEqual([expect.objectContaining({ code: "sequence_conflict" })]);
    expect((await store.events(key, { after: 0, limit: 10 })).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test("wherever in a transaction the connection is lost, nobody is told that another writer was faster", async () => {
    await using way = await cuttableWay(database.url);
    const store = await open({ connectionString: way.url, max: 1 });
    await create(store);
    const messages = [{ messageId: "m1", contentHash: "h" }];
    const batches = [
      { ...key, expectedSeq: 1, events: [delta(2)], messages },
      { ...key, expectedSeq: 2, events: [delta(3)] },
    ];
    let lost = 0;
    for (; (await store.head(key))?.lastSeq === 1; lost += 1) {
      way.loseAnswer(lost);
      for (const outcome of await store.append(batches)) expectError(outcome, "persistence_unavailable", LOST);
    }
    // The last answer that was lost was the commit's; all before left nothing.
    expect(lost).toBeGreaterThan(4);
    expect((await store.events(key, { after: 0, limit: 10 })).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(await store.message(key, { messageId: "m1" })).toEqual(messages[0]);
  });

  test("a server that stops in the middle of a transaction does not keep the session from others", async () => {
    await using way = await cuttableWay(database.url);
    const schema = nextSchema();
    const stopped = await open({ schema, connectionString: way.url, max: 1 });
    const other = await open({ schema });
    await create(other);
    await stopped.head(key);
    const messages = [{ messageId: "m1", contentHash: "h" }];
    // After `begin`, the look for the message, and the log's own row, which is locked from then on.
    const stop = way.stop(2);
    const writing = stopped.append([{ ...key, expectedSeq: 1, events: [delta(2, "stopped")], messages }]);
    await stop;
    expect(await other.append([{ ...key, expectedSeq: 1, events: [delta(2, "other")] }])).toEqual([null]);
    way.cut();
    expectError((await writing)[0], "persistence_unavailable", LOST);
    expect((await other.events(key, { after: 1, limit: 10 })).map(({ data }) => data)).toEqual([
      expect.objectContaining({ delta: "other" }),
    ]);
  });

  test("while the database is away calls fail at once; when it is back they work", async () => {
    await using way = await cuttableWay(database.url);
    const store = await open({ connectionString: way.url });
    await create(store);
    way.cut();
    expectError(await failure(store.head(key)), "persistence_unavailable", /connection was lost/);
    const [outcome] = await store.append([{ ...key, expectedSeq: 1, events: [delta(2)] }]);
    expectError(outcome, "persistence_unavailable", /connection was lost/);
    way.mend();
    expect(await store.append([{ ...key, expectedSeq: 1, events: [delta(2)] }])).toEqual([null]);
  });
});
