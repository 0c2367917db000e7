import { sql } from "kysely";
import type { SqlWords } from "../sql/dialect.ts";

/** Upserts of MySQL and MariaDB, in the words that both have. */
export const onDuplicateKey: SqlWords["upsert"] = (insert, { keys, changed }) => {
  // Without anything to change, a column is set to itself: `insert ignore` would hide other errors too.
  const sets = changed.length === 0 ? keys.slice(0, 1).map((key) => [key, sql.ref(key)]) : changed.map(newValue);
  return insert.onDuplicateKeyUpdate(Object.fromEntries(sets) as object);
};

function newValue(column: string): [string, unknown] {
  return [column, sql`values(${sql.ref(column)})`];
}
