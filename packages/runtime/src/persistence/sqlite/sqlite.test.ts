import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PersistenceSubject } from "@hhopkins/agent-runtime-testkit";
import Database from "better-sqlite3";
import { afterEach, beforeEach } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import { contractTests } from "../testing/contract-tests.ts";
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

/** Rows of every table but those of migrations. Counted from outside, as another process sees the file. */
function rowCount(): number {
  const database = new Database(join(folder, "new", "folder", "test.db"), { readonly: true });
  const tables = database
    .prepare("select name from sqlite_schema where type = 'table' and name not like '%migrations%'")
    .pluck()
    .all() as string[];
  const counts = tables.map((table) => database.prepare(`select count(*) from ${table}`).pluck().get() as number);
  database.close();
  return counts.reduce((sum, count) => sum + count, 0);
}

const subject: PersistenceSubject = {
  open,
  reopen: open,
  rowCount: async () => rowCount(),
  because: { second: "a file has one server: a second one is refused" },
};

const { version } = new Database(":memory:").prepare("select sqlite_version() as version").get() as { version: string };
const driver = createRequire(import.meta.url)("better-sqlite3/package.json") as { version: string };

contractTests({ store: "sqlite", version: `SQLite ${version}, better-sqlite3 ${driver.version}` }, () => subject, {
  suites: ["contract"],
});
