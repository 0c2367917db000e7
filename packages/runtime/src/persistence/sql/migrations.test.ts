import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { Kysely, PostgresDialect, SqliteDialect, sql, type Dialect } from "kysely";
import { Migrator } from "kysely/migration";
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import { postgresPersistence } from "../postgres/index.ts";
import { testDatabase, type TestDatabase } from "../postgres/testing/test-database.ts";
import { sqlitePersistence } from "../sqlite/index.ts";
import type { SqlTypes } from "./dialect.ts";
import { migrations } from "./migrate.ts";

const AT = "2026-11-22T08:00:00.000Z";
const key = { tenant: "default", sessionId: "s1" };
const ofSession = { tenant: "default", session_id: "s1" };
const SHA = "a".repeat(64);

/** A place for one database, that an earlier version can have filled. */
interface Place {
  readonly types: SqlTypes;
  readonly dialect: Dialect;
  readonly schema?: string;
  adapter(): PersistenceAdapter;
}

let database: TestDatabase;
let folder = "";
let count = 0;

beforeAll(async () => {
  database = await testDatabase();
  folder = mkdtempSync(join(tmpdir(), "agent-runtime-migrations-"));
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

const PLACES: Record<string, () => Promise<Place>> = {
  SQLite: async () => {
    const file = join(folder, `${(count += 1)}.db`);
    return {
      types: { key: "text", time: "text", text: "text", json: "text", bytes: "blob" },
      dialect: new SqliteDialect({ database: new Database(file) }),
      adapter: () => sqlitePersistence({ file }),
    };
  },
  PostgreSQL: async () => {
    const schema = `level_${(count += 1)}`;
    await database.query(`create schema ${schema}`);
    const pool = new Pool({ connectionString: database.url, max: 2, options: `-c search_path=${schema}` });
    // The database is dropped before every connection has said good-bye.
    pool.on("connect", (client) => client.on("error", () => undefined));
    return {
      types: { key: sql`text collate "C"`, time: "text", text: "text", json: "text", bytes: "bytea" },
      dialect: new PostgresDialect({ pool }),
      schema,
      adapter: () => postgresPersistence({ connectionString: database.url, schema }),
    };
  },
};

/** The tables as the version with this migration as its last had them, with a session in them. */
async function filled({ dialect, types, schema }: Place, last: string): Promise<void> {
  const db = new Kysely<Record<string, Record<string, unknown>>>({ dialect });
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations({ types }) },
    migrationTableName: "agent_runtime_migrations",
    migrationLockTableName: "agent_runtime_migrations_lock",
    ...(schema === undefined ? {} : { migrationTableSchema: schema }),
  });
  const { error } = await migrator.migrateTo(last);
  if (error !== undefined) throw error;
  for (const [table, row] of rows(last)) await db.insertInto(table).values(row).execute();
  await db.destroy();
}

function rows(last: string): [table: string, row: Record<string, unknown>][] {
  const since = <T extends object>(name: string, more: T): Partial<T> => (last >= name ? more : {});
  const runtime = JSON.stringify({ isLoaded: true, sandbox: null });
  const data = (delta: string) => JSON.stringify({ sessionId: "s1", conversationId: "main", blockId: "b1", delta });
  const event = { ...ofSession, version: 1, at: AT, type: "session:block:delta" };
  const entry = JSON.stringify({ path: "a.txt", sha256: SHA, size: 3 });
  const block = JSON.stringify({ id: "b1", timestamp: AT, type: "assistant_text", content: "hello" });
  const sandbox = JSON.stringify({ provider: "p", generation: 2, ref: {}, token: "t", started: true });
  return [
    [
      "sessions",
      {
        ...ofSession,
        type: "claude-agent-sdk",
        profile: "default",
        name: JSON.stringify("old"),
        created_at: AT,
        last_activity: AT,
        sort_at: Date.parse(AT),
        runtime,
        loaded: 1,
        ...since("006-lists", { created_ms: Date.parse(AT) }),
      },
    ],
    ["logs", { ...ofSession, log_id: "L", last_seq: 3, cursor_generation: 2, cursor_n: 9, generation: 2 }],
    ["events", { ...event, seq: 1, data: data("one") }],
    ["events", { ...event, seq: 3, data: data("three"), ...since("002-compaction", { from_seq: 2 }) }],
    ["sandboxes", { ...ofSession, sandbox }],
    ["blocks", { ...ofSession, block_id: "b1", conversation_id: "main", position: 1, block }],
    ["files", { ...ofSession, path_key: "k", entry }],
    ["blobs", { ...ofSession, sha256: SHA, start: 0, length: 3, total: 3, bytes: Buffer.from([0, 255, 10]) }],
    ["transcripts", { ...ofSession, n: 1, entry: JSON.stringify({ key: "main", lines: ["line"] }) }],
    ["messages", { ...ofSession, message_id: "m1", content_hash: "h" }],
    ["raw_transcripts", { ...ofSession, seq: 0, text: JSON.stringify("raw") }],
    ...(last >= "003-checkpoints"
      ? ([
          ["file_versions", { ...ofSession, path_key: "k", seq: 2, entry }],
          ["checkpoints", { ...ofSession, seq: 3, turn_id: "t1" }],
        ] satisfies [string, Record<string, unknown>][])
      : []),
  ];
}

const LEVELS = Object.keys(
  migrations({ types: { key: "text", time: "text", text: "text", json: "text", bytes: "text" } }),
);

describe.each(Object.entries(PLACES))("%s", (_name, placeOf) => {
  test.each(LEVELS)("what the version of %s kept is there, and goes on", async (level) => {
    const place = await placeOf();
    await filled(place, level);
    const adapter = place.adapter();
    await adapter.open?.();
    onTestFinished(async () => adapter.close?.());
    const { store } = adapter;
    if (store === undefined) throw new Error("no store");
    expect(await store.head(key)).toMatchObject({
      record: { sessionId: "s1", name: "old", createdAt: AT },
      logId: "L",
      lastSeq: 3,
      compactedTo: 0,
      cursor: { generation: 2, n: 9 },
      sandbox: { provider: "p", generation: 2 },
      generation: 2,
    });
    const events = await store.events(key, { after: 0, limit: 10 });
    expect(events.map(({ seq, from }) => [seq, from])).toEqual([
      [1, undefined],
      [3, level >= "002-compaction" ? 2 : undefined],
    ]);
    const file = { path: "a.txt", sha256: SHA, size: 3 };
    expect(await store.files(key)).toEqual([file]);
    expect(await store.filesAt(key, 3)).toEqual([file]);
    expect(await store.checkpoints(key, { limit: 10 })).toEqual(
      level >= "003-checkpoints" ? [{ seq: 3, turnId: "t1" }] : [],
    );
    expect((await store.block(key, "b1"))?.position).toBe(1);
    expect(await store.message(key, { messageId: "m1" })).toEqual({ messageId: "m1", contentHash: "h" });
    const lines: unknown[] = [];
    for await (const line of store.transcript(key)) lines.push(line);
    expect(lines).toEqual([{ key: "main", lines: ["line"] }]);
    const bytes: Uint8Array[] = [];
    for await (const part of store.blob(key, SHA)) bytes.push(part);
    expect(Buffer.concat(bytes)).toEqual(Buffer.from([0, 255, 10]));
    for (const order of ["activity", "created"] as const) {
      const page = await store.list({
        tenant: "default",
        limit: 10,
        order,
        filter: { createdFrom: AT, isLoaded: true },
      });
      expect(page.sessions.map(({ sessionId }) => sessionId)).toEqual(["s1"]);
    }
    const data = { sessionId: "s1", conversationId: "main", blockId: "b1", delta: "four" };
    const next = { seq: 4, at: AT, type: "session:block:delta" as const, data };
    const cursor = { generation: 2, n: 10 };
    expect(await store.append([{ ...key, expectedSeq: 3, cursor, events: [next] }])).toEqual([null]);
    await store.cluster?.heartbeat(
      { nodeId: "n", place: "p", sandboxes: 0, waiting: 0, maxSandboxes: 1, leaving: false },
      60_000,
    );
    expect(await store.cluster?.claim(key, "n")).toEqual(store.cluster && { nodeId: "n", fence: 1 });
    await store.delete(key);
    expect(await store.head(key)).toBeNull();
  });
});
