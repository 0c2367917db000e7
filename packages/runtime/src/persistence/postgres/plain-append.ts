import { CompiledQuery } from "kysely";
import { PROTOCOL_VERSION } from "@hhopkins/agent-runtime-protocol";
import type { EncodedBatch } from "../encoded-batch.ts";
import type { Db, Row } from "../sql/schema.ts";

/**
 * The guard of every append (see `advance` in `sql/write-statements.ts`) for many logs, and the events of those that it
 * let through: in one statement, which is all or nothing by itself.
 */
const STATEMENT = `
with wanted as (
  select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
    as w (tenant, session_id, expected_seq, last_seq, fence, cursor_generation, cursor_n)
), moved as (
  update logs set
    last_seq = w.last_seq,
    cursor_generation = coalesce(w.cursor_generation, logs.cursor_generation),
    cursor_n = coalesce(w.cursor_n, logs.cursor_n)
  from wanted w
  where logs.tenant = w.tenant and logs.session_id = w.session_id
    and logs.last_seq = w.expected_seq
    and (w.fence is null or logs.fence = w.fence)
    and (
      w.cursor_n is null or logs.cursor_n is null
      or w.cursor_generation > logs.cursor_generation
      or (w.cursor_generation = logs.cursor_generation and w.cursor_n > logs.cursor_n)
    )
  returning logs.tenant, logs.session_id
), written as (
  insert into events (tenant, session_id, seq, version, at, type, data)
  select moved.tenant, moved.session_id, e.seq, ${PROTOCOL_VERSION}, e.at, e.type, e.data
  from unnest($8::int[], $9::bigint[], $10::text[], $11::text[], string_to_array($12, E'\\x01')) as e (place, seq, at, type, data)
  join unnest($1::text[], $2::text[]) with ordinality as b (tenant, session_id, place) on b.place = e.place
  join moved on moved.tenant = b.tenant and moved.session_id = b.session_id
)
select tenant, session_id from moved`;

/** Batches of events alone, each of another session. Answers with those that were written. */
export async function plainAppend(db: Db, batches: readonly EncodedBatch[]): Promise<ReadonlySet<EncodedBatch>> {
  const events = batches.flatMap((batch, index) => batch.events.map((event) => ({ event, place: index + 1 })));
  const { rows } = await db.executeQuery<Pick<Row<"logs">, "tenant" | "session_id">>(
    CompiledQuery.raw(STATEMENT, [
      batches.map(({ tenant }) => tenant),
      batches.map(({ sessionId }) => sessionId),
      batches.map(({ expectedSeq }) => expectedSeq),
      batches.map(({ lastSeq }) => lastSeq),
      batches.map(({ fence }) => fence),
      batches.map(({ cursor }) => cursor?.generation ?? null),
      batches.map(({ cursor }) => cursor?.n ?? null),
      events.map(({ place }) => place),
      events.map(({ event }) => event.seq),
      events.map(({ event }) => event.at),
      events.map(({ event }) => event.type),
      // A JSON text has no such character, and needs no quoting this way.
      events.map(({ event }) => event.data).join("\u0001"),
    ]),
  );
  const name = (tenant: string, sessionId: string): string => JSON.stringify([tenant, sessionId]);
  const moved = new Set(rows.map((row) => name(row.tenant, row.session_id)));
  return new Set(batches.filter(({ tenant, sessionId }) => moved.has(name(tenant, sessionId))));
}
