import { PROTOCOL_VERSION } from "@hhopkins/agent-runtime-protocol";
import type { SqliteDatabase, SqliteStatement } from "kysely";
import type { EncodedBatch } from "../encoded-batch.ts";
import type { Db } from "../sql/schema.ts";

/** The guard of every append (see `advance` in `sql/write-statements.ts`), for a batch of events alone. */
const ADVANCE = `
update logs set
  last_seq = ?,
  cursor_generation = coalesce(?, cursor_generation),
  cursor_n = coalesce(?, cursor_n)
where tenant = ? and session_id = ? and last_seq = ?
  and (? is null or cursor_n is null or ? > cursor_generation or (? = cursor_generation and ? > cursor_n))`;

/** Most rows of one statement. */
const MOST_ROWS = 128;

const inserts = new Map<number, string>();

function insertOf(count: number): string {
  const known = inserts.get(count);
  if (known !== undefined) return known;
  const row = `(?, ?, ?, ${PROTOCOL_VERSION}, ?, ?, ?)`;
  const rows = Array.from({ length: count }, () => row).join(", ");
  const text = `insert into events (tenant, session_id, seq, version, at, type, data) values ${rows}`;
  inserts.set(count, text);
  return text;
}

/**
 * Batches of events alone, each of another session, without a step in between: nearly all that is ever written are
 * these, and what a step costs is more than what SQLite does. Answers with those that were written.
 */
export async function plainAppend(
  db: Db,
  database: SqliteDatabase,
  batches: readonly EncodedBatch[],
): Promise<ReadonlySet<EncodedBatch>> {
  // Its connection is the only one: meanwhile nobody else has a transaction on it.
  return await db.connection().execute(async () => {
    const run = (sql: string, values: readonly unknown[] = []): ReturnType<SqliteStatement["run"]> =>
      database.prepare(sql).run(values);
    run("begin");
    try {
      const written = new Set(batches.filter((batch) => appended(run, batch)));
      run("commit");
      return written;
    } catch (error) {
      run("rollback");
      throw error;
    }
  });
}

type Run = (sql: string, values?: readonly unknown[]) => { readonly changes: number | bigint };

function appended(run: Run, batch: EncodedBatch): boolean {
  const { tenant, sessionId, expectedSeq, lastSeq, cursor } = batch;
  const [generation, n] = [cursor?.generation ?? null, cursor?.n ?? null];
  const guard = [n, generation, generation, n];
  const moved = run(ADVANCE, [lastSeq, generation, n, tenant, sessionId, expectedSeq, ...guard]);
  if (Number(moved.changes) !== 1) return false;
  for (let from = 0; from < batch.events.length; from += MOST_ROWS) {
    const events = batch.events.slice(from, from + MOST_ROWS);
    const values: unknown[] = [];
    for (const { seq, at, type, data } of events) values.push(tenant, sessionId, seq, at, type, data);
    run(insertOf(events.length), values);
  }
  return true;
}
