import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { foundingServerTests } from "../testing/founding-server-tests.ts";
import { sqlitePersistence } from "./index.ts";

foundingServerTests("sqlite", async () => {
  const folder = mkdtempSync(join(tmpdir(), "agent-runtime-sqlite-"));
  const file = join(folder, "sessions.db");
  return {
    adapter: () => sqlitePersistence({ file }),
    tables: async () => {
      const database = new Database(file, { readonly: true });
      const names = database
        .prepare("select name from sqlite_schema where type = 'table' and name not like '%migrations%'")
        .pluck()
        .all() as string[];
      const counts = names.map((name) => [name, database.prepare(`select count(*) from ${name}`).pluck().get()]);
      database.close();
      return Object.fromEntries(counts) as Record<string, number>;
    },
    end: async () => rmSync(folder, { recursive: true }),
  };
});
