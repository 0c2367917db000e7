import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { readState } from "../../log/session-log.ts";
import { openLog } from "../../log/testing/log-bench.ts";
import { sqlitePersistence } from "./index.ts";

/** The statement as the documentation gives it. */
function documented(): string {
  const text = readFileSync(new URL("../../../../../docs/reliability.md", import.meta.url), "utf8");
  const [, statement = ""] = /`(UPDATE logs [^`]*)`/.exec(text) ?? [];
  return statement;
}

test("the statement for a restored backup gives each log a new id, also where a snapshot has the old one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "agent-runtime-backup-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const adapter = sqlitePersistence({ file: join(folder, "store.db") });
  await adapter.open?.();
  const { key, log } = await openLog(adapter.store);
  await log.append({ events: [], snapshot: true });
  await adapter.close?.();
  const file = join(folder, "restored.db");
  copyFileSync(join(folder, "store.db"), file);
  const database = new Database(file);
  database.exec(documented());
  database.close();
  const restored = sqlitePersistence({ file });
  await restored.open?.();
  const head = await restored.store.head(key);
  if (head === null) throw new Error("no head");
  expect(head.logId).toBe("log1-restored");
  expect((await readState(restored.store, key, head)).logId).toBe("log1-restored");
  await restored.close?.();
});
