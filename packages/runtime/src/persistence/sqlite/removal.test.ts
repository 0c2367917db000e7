import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SESSION_TABLES } from "../sql/schema.ts";
import { sqlitePersistence } from "./index.ts";

const AT = "2026-11-22T08:00:00.000Z";
const EVENTS = 12_000;
let folder = "";
let file = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-runtime-sqlite-"));
  file = join(folder, "test.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

async function withSession(sessionId: string) {
  const adapter = sqlitePersistence({ file });
  await adapter.open?.();
  const record = { sessionId, type: "claude-agent-sdk", agentProfileReference: "default", createdAt: AT };
  const session = { tenant: "default", sessionId, record, logId: "L" };
  const events = Array.from({ length: EVENTS }, (_unused, index) => ({
    seq: index + 1,
    at: AT,
    type: "error" as const,
    data: { sessionId, code: "x", message: "y" },
  }));
  await adapter.store.create({ ...session, first: { events } });
  return { adapter, session };
}

/** Counted from outside, as another process sees the file. */
function rows(tables: readonly string[] = [...SESSION_TABLES, "removals"]): number {
  const database = new Database(file, { readonly: true });
  const counts = tables.map((table) => database.prepare(`select count(*) from ${table}`).pluck().get() as number);
  database.close();
  return counts.reduce((sum, count) => sum + count, 0);
}

test("a long session is removed in pieces, between which others are served; it is gone from the first on", async () => {
  const { adapter, session } = await withSession("long");
  const left: number[] = [];
  const over = new AbortController();
  const removal = adapter.store.delete(session).finally(() => over.abort());
  while (!over.signal.aborted) {
    expect(await adapter.store.head(session)).toBeNull();
    left.push(rows(["events"]));
    await nextTurn();
  }
  await removal;
  expect(new Set(left).size).toBeGreaterThan(2);
  expect(rows()).toBe(0);
  await adapter.close?.();
});

test("a removal that a crash cut off is over for users, and is finished when the database is opened again", async () => {
  const { adapter, session } = await withSession("long");
  const removal = adapter.store.delete(session);
  removal.catch(() => undefined);
  // As a crash: the process that removes has its database taken away.
  while ((await adapter.store.head(session)) !== null) await nextTurn();
  await adapter.close?.();
  await expect(removal).rejects.toThrow();
  expect(rows(["events"])).toBeGreaterThan(0);

  const next = sqlitePersistence({ file });
  await next.open?.();
  expect(await next.store.head(session)).toBeNull();
  expect(rows()).toBe(0);
  await next.store.create({ ...session, first: { events: [] } });
  await next.close?.();
});
