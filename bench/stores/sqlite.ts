import { join } from "node:path";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import Database from "better-sqlite3";
import type { BareDriver, StoreUnderBench } from "./store-under-bench.ts";

/** A file in the folder. */
export async function sqliteUnderBench(folder: string): Promise<StoreUnderBench> {
  const file = join(folder, "store.db");
  const adapter = sqlitePersistence({ file });
  await adapter.open?.();
  const database = new Database(file);
  database.pragma("synchronous = NORMAL");
  // For the filling: a million rows go into eleven indexes.
  database.pragma("cache_size = -1000000");
  const bare = bareDriver(database);
  const { version } = database.prepare("select sqlite_version() as version").get() as { version: string };
  return {
    name: "sqlite",
    version: `SQLite ${version}, synchronous = NORMAL`,
    store: adapter.store,
    bare,
    series: (count) =>
      `(with recursive s(n) as (select 1 union all select n + 1 from s where n < ${count}) select n from s)`,
    cloneTable: async (name, like) => {
      const [table] = (await bare.rows("select sql from sqlite_master where name = ?", [like])) as [{ sql: string }];
      await bare.run(table.sql.replace(`"${like}"`, `"${name}"`).replace(`"${like}_key"`, `"${name}_key"`));
    },
    settle: async () => {
      database.pragma("wal_checkpoint(TRUNCATE)");
      database.pragma("cache_size = -2000");
    },
    async [Symbol.asyncDispose]() {
      database.close();
      await adapter.close?.();
    },
  };
}

function bareDriver(database: Database.Database): BareDriver {
  const prepared = new Map<string, Database.Statement>();
  const statement = (sql: string): Database.Statement => {
    const known = prepared.get(sql) ?? database.prepare(sql);
    prepared.set(sql, known);
    return known;
  };
  return {
    rows: async (sql, values = []) => {
      const asked = statement(sql);
      if (asked.reader) return asked.all(...values);
      asked.run(...values);
      return [];
    },
    run: async (sql) => void database.exec(sql),
    transaction: async (work) => {
      statement("begin").run();
      await work();
      statement("commit").run();
    },
  };
}
