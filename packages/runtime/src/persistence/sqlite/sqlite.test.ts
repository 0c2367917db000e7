import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { persistenceContract, type PersistenceSubject } from "@hhopkins/agent-runtime-testkit";
import Database from "better-sqlite3";
import { afterEach, beforeEach, test } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import { SESSION_TABLES } from "../sql/schema.ts";
import { sqlitePersistence } from "./index.ts";

let folder = "";
let adapter: PersistenceAdapter | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-runtime-sqlite-"));
});

afterEach(async () => {
  await adapter?.close?.();
  adapter = undefined;
  rmSync(folder, { recursive: true });
});

async function open(): Promise<PersistenceAdapter> {
  await adapter?.close?.();
  adapter = sqlitePersistence({ file: join(folder, "new", "folder", "test.db") });
  await adapter.open?.();
  return adapter;
}

/** Counted from outside, as another process sees the file. */
function rowCount(): number {
  const database = new Database(join(folder, "new", "folder", "test.db"), { readonly: true });
  const counts = SESSION_TABLES.map(
    (table) => database.prepare(`select count(*) from ${table}`).pluck().get() as number,
  );
  database.close();
  return counts.reduce((sum, count) => sum + count, 0);
}

const subject: PersistenceSubject = { open, reopen: open, rowCount: async () => rowCount() };

for (const [name, run] of Object.entries(persistenceContract)) test(name, () => run(subject));
