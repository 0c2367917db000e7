import type { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import { cuttableWay } from "../postgres/testing/proxy.ts";
import type { SessionStore } from "../session-store.ts";
import { loadDriver, type MysqlDriver } from "./driver.ts";
import { mysqlPersistence, type MysqlPersistenceOptions } from "./index.ts";
import { elsewhere, testDatabase, type TestDatabase } from "./testing/test-database.ts";
import { create, delta, expectError, expectRefused, failure, key, record } from "../testing/store-faults.ts";

const PASSWORD = "only-for-tests";

let database: TestDatabase;
const opened: PersistenceAdapter[] = [];
const users: string[] = [];
const locks: (() => Promise<void>)[] = [];

beforeEach(async () => {
  database = await testDatabase();
});
afterEach(async () => {
  // First: what a test that failed has left locked would keep the rest, and other files' tables too, waiting.
  for (const release of locks.splice(0)) await release();
  for (const adapter of opened.splice(0)) await adapter.close?.();
  for (const user of users.splice(0)) await database.query(`drop user '${user}'@'%'`);
  await database.drop();
});

async function open(options: MysqlPersistenceOptions = {}): Promise<SessionStore> {
  const adapter = mysqlPersistence({ uri: database.uri, ...options });
  await adapter.open?.();
  opened.push(adapter);
  return adapter.store;
}

const second = { ...key, expectedSeq: 1, events: [delta(2)] };

const openFailure = (options: MysqlPersistenceOptions): Promise<RuntimeError> =>
  failure(mysqlPersistence(options).open?.());

/** An account that may do this on the test's database, and nothing else. */
async function account(grants: string, limit = ""): Promise<string> {
  const user = `u_${Math.random().toString(36).slice(2, 12)}`;
  users.push(user);
  await database.query(`create user '${user}'@'%' identified by '${PASSWORD}' ${limit}`);
  await database.query(`grant ${grants} on ${database.name}.* to '${user}'@'%'`);
  return elsewhere(database.uri, { user, password: PASSWORD });
}

/** Another client's lock on the log's row, until `release`. */
async function lockedLog() {
  const { createConnection } = await import("mysql2/promise");
  const client = await createConnection({ uri: database.uri });
  await client.query("begin");
  await client.query("select * from logs for update");
  let ended: Promise<void> | undefined;
  const release = (): Promise<void> => (ended ??= client.query("rollback").then(() => client.end()));
  locks.push(release);
  return {
    connection: client.threadId,
    /** Resolves when somebody waits for it. */
    waitedFor: async () =>
      await vi.waitFor(async () => {
        const [row] = await database.query(
          "select count(*) as n from information_schema.innodb_trx where trx_state = 'LOCK WAIT' and trx_mysql_thread_id in (select id from information_schema.processlist where db = database())",
        );
        expect(row?.n).toBe(1);
      }),
    release,
  };
}

describe("opening", () => {
  test("options that are none are named, and nobody is told the password", () => {
    const wrong: [MysqlPersistenceOptions, RegExp][] = [
      [{ uri: "postgres://user:secret-word@host/db" }, /uri must look like mysql:\/\//],
      [{ uri: "user:secret-word@host" }, /uri must look like/],
      [{ uri: "mysql://user:secret-word@host:3306/" }, /uri must name a database/],
      [{ connection: { host: "h", password: "secret-word" } }, /connection.database must name a database/],
      [{ uri: database.uri, max: 0 }, /max must be a whole number of at least 1/],
      [{ uri: database.uri, connectTimeoutMs: 0.5 }, /connectTimeoutMs must be/],
      [{ uri: database.uri, statementTimeoutMs: -1 }, /statementTimeoutMs must be/],
    ];
    expectRefused(mysqlPersistence, wrong);
  });

  test("nobody there, no such host", async () => {
    const uri = new URL(database.uri);
    uri.port = "1";
    const error = await openFailure({ uri: uri.href });
    expectError(
      error,
      "persistence_unavailable",
      /MySQL at 127\.0\.0\.1:1\/test_\w+: nobody answers there.*ECONNREFUSED/,
    );
    expect(error.message).not.toContain(PASSWORD);
    uri.hostname = "no-such-host.invalid";
    expectError(await openFailure({ uri: uri.href }), "persistence_unavailable", /no host of this name/);
  });

  test("a wrong password, a user that is not there, a database that is not there", async () => {
    const error = await openFailure({ uri: elsewhere(database.uri, { password: "wrong-word" }) });
    expectError(error, "invalid_configuration", /the user or the password is wrong.*ER_ACCESS_DENIED_ERROR/);
    expect(error.message).not.toContain("wrong-word");
    const nobody = { uri: elsewhere(database.uri, { user: "nobody" }) };
    expectError(await openFailure(nobody), "invalid_configuration", /the user or the password is wrong/);
    const nowhere = { uri: elsewhere(database.uri, { name: "no_such_database" }) };
    expectError(await openFailure(nowhere), "invalid_configuration", /no such database: create it.*ER_BAD_DB_ERROR/);
  });

  test("a user without rights is told so; with those on its database alone it works", async () => {
    const reader = { uri: await account("select") };
    expectError(await openFailure(reader), "invalid_configuration", /grant it all privileges on the database/);
    const store = await open({ uri: await account("all privileges") });
    await create(store);
    expect((await store.head(key))?.lastSeq).toBe(1);
    const other = { uri: elsewhere(await account("select"), { name: "mysql" }) };
    expectError(await openFailure(other), "invalid_configuration", /may not use this database/);
  });

  test("a database of a newer version is refused, and not changed", async () => {
    await open();
    const names = () => database.query("select name from agent_runtime_migrations order by name");
    await database.query("insert into agent_runtime_migrations values ('999-later', '2030-01-01')");
    const before = await names();
    expectError(await openFailure({ uri: database.uri }), "data_dir_unusable", /newer version.*999-later/);
    expect(await names()).toEqual(before);
  });

  test("a database that is read-only: later writes say so, and go on when it is no more", async () => {
    const uri = await account("all privileges");
    const store = await open({ uri });
    await create(store);
    await database.query("set global read_only = 1");
    try {
      const [outcome] = await store.append([second]);
      expectError(outcome, "persistence_unavailable", /read-only.*connect to the primary/);
      expect((await store.head(key))?.lastSeq).toBe(1);
      const again = mysqlPersistence({ uri });
      // Nothing to migrate: it can be opened, and read.
      await again.open?.();
      opened.push(again);
      expect((await again.store.head(key))?.lastSeq).toBe(1);
    } finally {
      await database.query("set global read_only = 0");
    }
    expect(await store.append([second])).toEqual([null]);
  });

  test("eight nodes that start at once on an empty database", async () => {
    const stores = await Promise.all(Array.from({ length: 8 }, () => open({ max: 2 })));
    await create(stores[0]!);
    for (const store of stores) expect((await store.head(key))?.lastSeq).toBe(1);
  });

  test("without mysql2 the error says what to install", async () => {
    const absent = "mysql2-that-is-not-installed";
    const missing = async (): Promise<MysqlDriver> => await loadDriver(() => import(absent));
    const error = await failure(mysqlPersistence({ uri: database.uri }, missing).open?.());
    expectError(error, "missing_dependency", /npm install mysql2@\d+\.\d+\.\d+/);
  });

  test("before it is opened, every call says so", async () => {
    const adapter = mysqlPersistence({ uri: database.uri });
    expectError(await failure(adapter.listAllSessions()), "persistence_unavailable", /open/);
  });

  test("an account by its parts, profiles of one's own, and a pool of one", async () => {
    const { hostname: host, port, username: user, password } = new URL(database.uri);
    const connection = { host, port: Number(port), user, password, database: database.name };
    const adapter = mysqlPersistence({ connection, max: 1, profiles: [{ id: "reviewer", name: "Reviewer" }] });
    await adapter.open?.();
    opened.push(adapter);
    expect(await adapter.listAgentProfiles()).toMatchObject([{ id: "reviewer", name: "Reviewer" }]);
    await create(adapter.store);
    expect((await adapter.store.head(key))?.lastSeq).toBe(1);
  });
});

describe("running", () => {
  test("tables that somebody removed", async () => {
    const store = await open();
    await create(store);
    await database.query("drop table sessions");
    expectError(await failure(store.head(key)), "persistence_unavailable", /a table or column is missing: put back/);
  });

  test("texts, keys and times are kept byte for byte, whatever the server's defaults are", async () => {
    await database.query(`alter database ${database.name} character set latin1`);
    const store = await open();
    for (const id of ["a", "A", "ä", "a "]) {
      const session = { ...record, sessionId: id, name: `naïve 日本語 👩‍👩‍👧 ' \\ " ${id}` };
      await store.create({ tenant: "T ", sessionId: id, record: session, logId: "L", first: { events: [] } });
    }
    const { sessions } = await store.list({ tenant: "T ", limit: 9 });
    expect(sessions.map(({ sessionId }) => sessionId)).toEqual(["ä", "a ", "a", "A"]);
    expect(sessions[0]?.name).toBe(`naïve 日本語 👩‍👩‍👧 ' \\ " ä`);
    expect((await store.list({ tenant: "T", limit: 9 })).sessions).toEqual([]);
  });

  test("a row that is larger than the server takes says which setting to raise, and takes nothing else with it", async () => {
    const store = await open();
    await create(store);
    const large = { ...key, expectedSeq: 1, events: [delta(2, "\n".repeat(9_000_000))] };
    const outcomes = await store.append([large, second]);
    expectError(outcomes[0], "persistence_unavailable", /raise its max_allowed_packet, which is 16777216/);
    expect(outcomes[1]).toBeNull();
    // Only with what is escaped in it.
    const quotes = { ...key, expectedSeq: 2, events: [delta(3, '"'.repeat(4_500_000))] };
    expectError((await store.append([quotes]))[0], "persistence_unavailable", /max_allowed_packet/);
    const bytes = Buffer.alloc(9_000_000, 255);
    const blob = { sha256: "a".repeat(64), offset: 0, total: bytes.length, bytes };
    const [refused] = await store.append([{ ...key, expectedSeq: 2, events: [], blobs: [blob] }]);
    expectError(refused, "persistence_unavailable", /max_allowed_packet/);
    // Many that are too large only together go in several statements.
    const events = Array.from({ length: 5 }, (_unused, index) => delta(3 + index, "y".repeat(4_000_000)));
    expect(await store.append([{ ...key, expectedSeq: 2, events }])).toEqual([null]);
    expect((await store.events(key, { after: 6, limit: 1 }))[0]?.seq).toBe(7);
  });

  test("a pool whose connections are all busy says what to do, and works again afterwards", async () => {
    const store = await open({ max: 1, connectTimeoutMs: 300 });
    await create(store);
    const lock = await lockedLog();
    const waiting = store.append([second]);
    await lock.waitedFor();
    expectError(await failure(store.head(key)), "persistence_unavailable", /no connection of the pool.*raise max/);
    await lock.release();
    expect(await waiting).toEqual([null]);
    expect((await store.head(key))?.lastSeq).toBe(2);
  });

  test("a server that has no connection left for the user", async () => {
    const uri = await account("all privileges", "with max_user_connections 1");
    await open({ uri, max: 1 });
    expectError(await openFailure({ uri, max: 1 }), "persistence_unavailable", /no connection left: raise/);
  });

  test("a statement that takes too long is given up, and leaves nothing", async () => {
    const store = await open({ statementTimeoutMs: 900 });
    await create(store);
    const lock = await lockedLog();
    const [outcome] = await store.append([second]);
    expectError(outcome, "persistence_unavailable", /longer than statementTimeoutMs/);
    await lock.release();
    await vi.waitFor(async () => expect(await store.append([second])).toEqual([null]));
    expect((await store.head(key))?.lastSeq).toBe(2);
  });

  test("every connection is ended: the process goes on, and so does the store", async () => {
    const store = await open();
    await create(store);
    await Promise.all(Array.from({ length: 8 }, () => store.head(key)));
    const lock = await lockedLog();
    const writing = store.append([second]);
    await lock.waitedFor();
    const ids = await database.query(
      "select id from information_schema.processlist where db = database() and id <> connection_id()",
    );
    const others = ids.filter(({ id }) => id !== lock.connection);
    expect(others.length).toBeGreaterThan(0);
    for (const { id } of others) await database.query(`kill ${Number(id)}`).catch(() => undefined);
    expectError((await writing)[0], "persistence_unavailable", /connection was lost/);
    await lock.release();
    await vi.waitFor(async () => expect((await store.head(key))?.lastSeq).toBe(1));
    expect(await store.append([second])).toEqual([null]);
  });

  test("the answer to a commit is lost: the log's head says that it was written, and the same again is refused", async () => {
    await using way = await cuttableWay(database.uri);
    const store = await open({ uri: way.url, max: 1 });
    await create(store);
    let tries = 0;
    // Of the answers within one append each is lost once; the last is the commit's.
    for (let isWritten = false; !isWritten; tries += 1) {
      way.loseAnswer(tries);
      const [outcome] = await store.append([second]);
      expectError(outcome, "persistence_unavailable", /connection was lost/);
      isWritten = (await store.head(key))?.lastSeq === 2;
    }
    expect(tries).toBeGreaterThan(1);
    expect(await store.append([second])).toEqual([expect.objectContaining({ code: "sequence_conflict" })]);
    expect((await store.events(key, { after: 0, limit: 10 })).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test("while the database is away calls fail at once; when it is back they work", async () => {
    await using way = await cuttableWay(database.uri);
    const store = await open({ uri: way.url });
    await create(store);
    way.cut();
    expectError(await failure(store.head(key)), "persistence_unavailable", /connection was lost/);
    const [outcome] = await store.append([second]);
    expectError(outcome, "persistence_unavailable", /connection was lost/);
    way.mend();
    expect(await store.append([second])).toEqual([null]);
  });

  test("writers that get in each other's way are all served", async () => {
    const ids = Array.from({ length: 6 }, (_unused, index) => `s${index}`);
    const stores = [await open(), await open()];
    for (const sessionId of ids) {
      const session = { ...record, sessionId };
      await stores[0]!.create({ tenant: "default", sessionId, record: session, logId: "L", first: { events: [] } });
    }
    // Each transaction takes the same rows in another order.
    const write = async (store: SessionStore, order: readonly string[], round: number): Promise<(Error | null)[]> => [
      ...(await store.append(
        order.map((sessionId) => ({
          tenant: "default",
          sessionId,
          expectedSeq: 0,
          events: [],
          messages: [{ messageId: `${order[0]}-${round}`, contentHash: "h" }],
        })),
      )),
    ];
    const outcomes: (Error | null)[] = [];
    for (let round = 0; round < 20; round += 1) {
      const both = await Promise.all([write(stores[0]!, ids, round), write(stores[1]!, ids.toReversed(), round)]);
      outcomes.push(...both.flat());
    }
    expect(outcomes.filter((outcome) => outcome !== null)).toEqual([]);
    expect(outcomes).toHaveLength(240);
  });
});
