import { readFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { readState } from "../../log/session-log.ts";
import { openLog } from "../../log/testing/log-bench.ts";
import { postgresPersistence } from "./index.ts";
import { testDatabase } from "./testing/test-database.ts";

/** The statements as the documentation gives them. */
function documented(): string {
  const text = readFileSync(new URL("../../../../../docs/reliability.md", import.meta.url), "utf8");
  const [, statement = ""] = /`(UPDATE logs [^`]*)`/.exec(text) ?? [];
  const [, path = ""] = /PostgreSQL: the same, after `(SET search_path [^`]*)`/.exec(text) ?? [];
  return `${path}; ${statement}`;
}

test("the statement for a restored backup gives each log a new id, also where a snapshot has the old one", async () => {
  const database = await testDatabase();
  onTestFinished(async () => database.drop());
  const adapter = postgresPersistence({ connectionString: database.url });
  await adapter.open?.();
  const { key, log } = await openLog(adapter.store);
  await log.append({ events: [], snapshot: true });
  await adapter.close?.();
  await database.query(documented());
  await adapter.open?.();
  onTestFinished(async () => adapter.close?.());
  const head = await adapter.store.head(key);
  if (head === null) throw new Error("no head");
  expect(head.logId).toBe("log1-restored");
  expect((await readState(adapter.store, key, head)).logId).toBe("log1-restored");
});
