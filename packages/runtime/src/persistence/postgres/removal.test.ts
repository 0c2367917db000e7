import { setImmediate as nextTurn } from "node:timers/promises";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import { SESSION_TABLES } from "../sql/schema.ts";
import type { SessionStore } from "../session-store.ts";
import { postgresPersistence } from "./index.ts";
import { testDatabase, type TestDatabase } from "./testing/test-database.ts";

const AT = "2026-11-22T08:00:00.000Z";
const EVENTS = 12_000;
const key = { tenant: "default", sessionId: "long" };

let database: TestDatabase;
const opened: PersistenceAdapter[] = [];

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(async () => {
  for (const adapter of opened) await adapter.close?.();
  await database.drop();
});

async function open(): Promise<SessionStore> {
  const adapter = postgresPersistence({ connectionString: database.url });
  await adapter.open?.();
  opened.push(adapter);
  return adapter.store;
}

async function create(store: SessionStore, logId: string): Promise<void> {
  const record = { sessionId: "long", type: "t", agentProfileReference: "default", createdAt: AT };
  await store.create({ ...key, record, logId, first: { events: [] } });
  // Rows as they are, without the way that they take otherwise.
  await database.query(`insert into agent_runtime.events (tenant, session_id, seq, version, at, type, data)
    select 'default', 'long', n, 1, '${AT}', 'error', '{"sessionId":"long","code":"x","message":"y"}'
    from generate_series(1, ${EVENTS}) n`);
}

async function rows(): Promise<number> {
  const counts = [...SESSION_TABLES, "removals"].map((name) => `(select count(*) from agent_runtime.${name})`);
  const [row] = await database.query<{ n: string }>(`select ${counts.join(" + ")} as n`);
  return Number(row?.n);
}

test("two servers delete one session at once, and a third makes it anew: what is new stays whole", async () => {
  const [one, two, three] = [await open(), await open(), await open()];
  await create(one, "first");
  const removals = [one.delete(key), two.delete(key)];
  let refused = 0;
  for (;;) {
    try {
      await create(three, "second");
      break;
    } catch (error) {
      if (!(error instanceof RuntimeError) || error.code !== "conflict") throw error;
      refused += 1;
      await nextTurn();
    }
  }
  await Promise.all(removals);
  expect(refused).toBeGreaterThan(0);
  // Only the later of the two deletions may have taken the new one along, whole.
  const head = await one.head(key);
  if (head === null) expect(await rows()).toBe(0);
  else {
    expect(head.logId).toBe("second");
    expect((await database.query("select 1 from agent_runtime.events")).length).toBe(EVENTS);
    await one.delete(key);
    expect(await rows()).toBe(0);
  }
});

test("what a server that died had begun to remove, the next one to start finishes; another may start beside it", async () => {
  const first = await open();
  await create(first, "first");
  await database.query(`insert into agent_runtime.removals values ('default', 'long')`);
  await database.query(`delete from agent_runtime.logs; delete from agent_runtime.sessions`);
  expect(await first.head(key)).toBeNull();
  await Promise.all([open(), open(), open()]);
  expect(await rows()).toBe(0);
  await create(first, "second");
  expect((await first.head(key))?.logId).toBe("second");
});
