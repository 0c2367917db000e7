/**
 * Appends of events to the SQLite store, beside the same rows through the bare driver: rows a second, and
 * milliseconds a call, for 1, 10 and 100 events a batch. `node bench/persistence.ts`
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import type { SessionEvent, SessionKey, SessionStore } from "@hhopkins/agent-runtime-protocol";

const SESSIONS = 20;
const AT = "2026-11-22T08:00:00.000Z";
const TEXT = "a delta of some words, as a model streams them".repeat(4);

const keyOf = (index: number): SessionKey => ({ tenant: "default", sessionId: `session-${index % SESSIONS}` });

function deltas({ sessionId }: SessionKey, after: number, count: number): SessionEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    seq: after + index + 1,
    at: AT,
    type: "session:block:delta",
    data: { sessionId, conversationId: "main", blockId: "block-1", delta: TEXT },
  }));
}

interface Rate {
  readonly rowsPerSecond: number;
  readonly msPerCall: number;
}

async function measured(calls: number, rows: number, call: (index: number) => unknown): Promise<Rate> {
  const started = performance.now();
  for (let index = 0; index < calls; index += 1) await call(index);
  const ms = performance.now() - started;
  return { rowsPerSecond: Math.round((calls * rows * 1000) / ms), msPerCall: ms / calls };
}

async function benchStore(store: SessionStore, size: number, calls: number): Promise<Rate> {
  const seqs = await Promise.all(
    Array.from({ length: SESSIONS }, async (_, index) => (await store.head(keyOf(index)))?.lastSeq ?? 0),
  );
  return await measured(calls, size, async (index) => {
    const key = keyOf(index);
    const seq = seqs[index % SESSIONS] ?? 0;
    seqs[index % SESSIONS] = seq + size;
    const [failure] = await store.append([{ ...key, expectedSeq: seq, events: deltas(key, seq, size) }]);
    if (failure !== null) throw failure ?? new Error("no outcome");
  });
}

/** One call with a batch of one event for each of the sessions, as group commit makes them. */
async function benchGroup(store: SessionStore, calls: number): Promise<Rate> {
  const { lastSeq = 0 } = (await store.head(keyOf(0))) ?? {};
  const offsets = await Promise.all(
    Array.from({ length: SESSIONS }, async (_, index) => (await store.head(keyOf(index)))?.lastSeq ?? lastSeq),
  );
  return await measured(calls, SESSIONS, async (call) => {
    const batches = offsets.map((offset, index) => {
      const key = keyOf(index);
      return { ...key, expectedSeq: offset + call, events: deltas(key, offset + call, 1) };
    });
    const failure = (await store.append(batches)).find((outcome) => outcome !== null);
    if (failure !== undefined) throw failure;
  });
}

interface RawStatement {
  run(...values: unknown[]): unknown;
}
interface RawDatabase {
  pragma(source: string): unknown;
  exec(sql: string): unknown;
  prepare(sql: string): RawStatement;
  transaction<A extends unknown[]>(work: (...args: A) => void): (...args: A) => void;
  close(): unknown;
}

/** better-sqlite3 belongs to the runtime, so it is found from there. */
function openRaw(file: string): RawDatabase {
  const require = createRequire(import.meta.resolve("@hhopkins/agent-runtime/persistence/sqlite"));
  const driver = "better-sqlite3";
  const Database = require(driver) as new (file: string) => RawDatabase;
  const database = new Database(file);
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = NORMAL");
  database.exec("create table logs (tenant text, session_id text, last_seq integer, primary key (tenant, session_id))");
  database.exec(
    "create table events (tenant text, session_id text, seq integer, version integer, at text, type text, data text, primary key (tenant, session_id, seq))",
  );
  return database;
}

function rawAppend(database: RawDatabase): (key: SessionKey, after: number, count: number) => void {
  const advance = database.prepare("update logs set last_seq = ? where tenant = ? and session_id = ? and last_seq = ?");
  const insert = database.prepare("insert into events values (?, ?, ?, 1, ?, ?, ?)");
  const begin = database.prepare("insert or ignore into logs values (?, ?, 0)");
  for (let index = 0; index < SESSIONS; index += 1) begin.run("default", keyOf(index).sessionId);
  return database.transaction((key: SessionKey, after: number, count: number) => {
    advance.run(after + count, key.tenant, key.sessionId, after);
    for (const { seq, at, type, data } of deltas(key, after, count)) {
      insert.run(key.tenant, key.sessionId, seq, at, type, JSON.stringify(data));
    }
  });
}

async function benchRaw(append: ReturnType<typeof rawAppend>, size: number, plan: { calls: number; base: number }) {
  return await measured(plan.calls, size, (index) => {
    append(keyOf(index), plan.base + Math.floor(index / SESSIONS) * size, size);
  });
}

const folder = mkdtempSync(join(tmpdir(), "agent-runtime-bench-"));
try {
  const adapter = sqlitePersistence({ file: join(folder, "store.db") });
  await adapter.open?.();
  const { store } = adapter;
  for (let index = 0; index < SESSIONS; index += 1) {
    const key = keyOf(index);
    const record = { sessionId: key.sessionId, type: "t", agentProfileReference: "default", createdAt: AT };
    await store.create({ ...key, record, logId: "L", first: { events: [] } });
  }
  const database = openRaw(join(folder, "raw.db"));
  const append = rawAppend(database);
  const rows: Record<string, string | number>[] = [];
  const show = (name: string, ours: Rate, raw?: Rate): void => {
    rows.push({
      batch: name,
      "store rows/s": ours.rowsPerSecond,
      "store ms/call": ours.msPerCall.toFixed(3),
      ...(raw === undefined ? {} : { "raw rows/s": raw.rowsPerSecond, "raw ms/call": raw.msPerCall.toFixed(3) }),
    });
  };
  let base = 0;
  await benchStore(store, 1, 500);
  for (const [size, calls] of [
    [1, 6000],
    [10, 2000],
    [100, 400],
  ] as const) {
    const ours = await benchStore(store, size, calls);
    const raw = await benchRaw(append, size, { calls, base });
    base += (calls / SESSIONS) * size;
    show(`${size} event${size === 1 ? "" : "s"}`, ours, raw);
  }
  show(`${SESSIONS} sessions × 1`, await benchGroup(store, 400));
  const tail = await measured(20, 1000, async (index) => {
    const events = await store.events(keyOf(index), { after: 100, limit: 1000 });
    if (events.length !== 1000) throw new Error(`${events.length} events instead of 1000`);
  });
  show("read 1000 events", tail);
  console.table(rows);
  database.close();
  await adapter.close?.();
} finally {
  rmSync(folder, { recursive: true });
}
