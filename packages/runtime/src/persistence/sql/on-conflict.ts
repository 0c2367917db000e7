import { sql } from "kysely";
import type { SqlWords } from "./dialect.ts";

/** Upserts of SQLite and PostgreSQL. */
export const onConflict: SqlWords["upsert"] = (insert, { keys, changed }) =>
  insert.onConflict((on) => {
    const known = on.columns(keys);
    if (changed.length === 0) return known.doNothing();
    return known.doUpdateSet(
      Object.fromEntries(changed.map((column) => [column, sql.ref(`excluded.${column}`)])) as object,
    );
  });
