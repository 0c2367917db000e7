import type { TestDatabase } from "./test-database.ts";

const COUNT = "query_to_xml(format('select count(*) as n from %I.%I', table_schema, table_name), true, true, '')";

/** Rows of every table of a database, by its name, but those that say which migrations were made. */
export async function tableCounts(database: TestDatabase): Promise<Record<string, number>> {
  const rows = await database.query<{ name: string; count: string }>(`
    select table_schema || '.' || table_name as name, (xpath('/row/n/text()', ${COUNT}))[1]::text as count
    from information_schema.tables
    where table_schema not in ('pg_catalog', 'information_schema') and table_name not like '%migrations%'`);
  return Object.fromEntries(rows.map(({ name, count }) => [name, Number(count)]));
}
