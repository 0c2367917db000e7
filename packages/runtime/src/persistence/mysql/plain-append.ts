import { PROTOCOL_VERSION } from "@hhopkins/agent-runtime-protocol";
import { CompiledQuery } from "kysely";
import type { EncodedBatch, EncodedEvent } from "../encoded-batch.ts";
import type { Db } from "../sql/schema.ts";

/** Most rows of one statement, and most characters: a server has a longest statement. */
const MOST = { rows: 500, length: 1024 * 1024 };

/** A log was not where a batch takes it to be. */
class Moved extends Error {}

/**
 * Batches of events alone, each of another session: one statement moves all logs on, one writes the events of all.
 * Answers with those that were written: all, or none where a log is not where it should be.
 */
export async function plainAppend(db: Db, batches: readonly EncodedBatch[]): Promise<ReadonlySet<EncodedBatch>> {
  try {
    await db.transaction().execute(async (trx) => {
      const moved = await trx.executeQuery(CompiledQuery.raw(advance(batches.length), guards(batches)));
      if (moved.numAffectedRows !== BigInt(batches.length)) throw new Moved();
      for (const page of pages(batches)) await trx.executeQuery(insert(page));
    });
    return new Set(batches);
  } catch (error) {
    if (error instanceof Moved) return new Set();
    throw error;
  }
}

/** The guard of every append (see `advance` in `sql/write-statements.ts`) for many logs. Counts rows that it finds. */
function advance(count: number): string {
  const first =
    "select ? as tenant, ? as session_id, ? as expected_seq, ? as next_seq, ? as guard_fence, ? as generation, ? as n";
  const wanted = [first, ...Array.from({ length: count - 1 }, () => "select ?, ?, ?, ?, ?, ?, ?")].join(" union all ");
  return `update logs join (${wanted}) as wanted
    on logs.tenant = wanted.tenant and logs.session_id = wanted.session_id
    set logs.last_seq = wanted.next_seq,
      logs.cursor_generation = coalesce(wanted.generation, logs.cursor_generation),
      logs.cursor_n = coalesce(wanted.n, logs.cursor_n)
    where logs.last_seq = wanted.expected_seq
      and (wanted.guard_fence is null or logs.fence = wanted.guard_fence)
      and (wanted.n is null or logs.cursor_n is null or wanted.generation > logs.cursor_generation
        or (wanted.generation = logs.cursor_generation and wanted.n > logs.cursor_n))`;
}

function guards(batches: readonly EncodedBatch[]): unknown[] {
  return batches.flatMap(({ tenant, sessionId, expectedSeq, lastSeq, fence, cursor }) => {
    return [tenant, sessionId, expectedSeq, lastSeq, fence, cursor?.generation ?? null, cursor?.n ?? null];
  });
}

interface Placed {
  readonly batch: EncodedBatch;
  readonly event: EncodedEvent;
}

function* pages(batches: readonly EncodedBatch[]): Generator<Placed[]> {
  let page: Placed[] = [];
  let length = 0;
  for (const batch of batches) {
    for (const event of batch.events) {
      if (page.length === MOST.rows || (page.length > 0 && length + event.data.length > MOST.length)) {
        yield page;
        page = [];
        length = 0;
      }
      page.push({ batch, event });
      length += event.data.length;
    }
  }
  if (page.length > 0) yield page;
}

function insert(page: readonly Placed[]): CompiledQuery {
  const rows = page.map(() => `(?, ?, ?, ${PROTOCOL_VERSION}, ?, ?, ?)`).join(", ");
  const values = page.flatMap(({ batch: { tenant, sessionId }, event: { seq, at, type, data } }) => {
    return [tenant, sessionId, seq, at, type, data];
  });
  return CompiledQuery.raw(
    `insert into events (tenant, session_id, seq, version, at, type, data) values ${rows}`,
    values,
  );
}
