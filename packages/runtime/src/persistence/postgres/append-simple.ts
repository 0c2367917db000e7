import { CompiledQuery } from "kysely";
import { PROTOCOL_VERSION } from "@hhopkins/agent-runtime-protocol";
import { isPlain, type EncodedBatch } from "../encoded-batch.ts";
import type { Db, Row } from "../sql/schema.ts";

/** Stands between JSON texts, which have no such character: that needs no quoting, as an array's elements do. */
const BETWEEN = "\u0001";
/** Stands for none in a row of JSON texts. */
const NONE = "\u0002";
const texts = (parameter: string): string => `string_to_array(${parameter}, E'\\x01', E'\\x02')`;

/**
 * The guard of every append (see `advance` in `sql/write-statements.ts`) for many logs, and what belongs to those that
 * it let through: in one statement, which is all or nothing by itself.
 */
const EVENTS = `
with wanted as (
  select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
    with ordinality as w (tenant, session_id, expected_seq, last_seq, fence, cursor_generation, cursor_n, place)
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
  returning w.place, logs.tenant, logs.session_id
), new_events as (
  insert into events (tenant, session_id, seq, version, at, type, data)
  select m.tenant, m.session_id, e.seq, ${PROTOCOL_VERSION}, e.at, e.type, e.data
  from unnest($8::int[], $9::bigint[], $10::text[], $11::text[], ${texts("$12")}) as e (place, seq, at, type, data)
  join moved m on m.place = e.place
)`;

/** What turns write beside events. */
const PARTS = `, new_lines as (
  insert into transcripts (tenant, session_id, n, entry)
  select m.tenant, m.session_id, l.n + coalesce((
    select t.n from transcripts t where t.tenant = m.tenant and t.session_id = m.session_id order by t.n desc limit 1
  ), 0), l.entry
  from unnest($13::int[], $14::bigint[], ${texts("$15")}) as l (place, n, entry)
  join moved m on m.place = l.place
), new_blocks as (
  insert into blocks (tenant, session_id, block_id, conversation_id, position, block)
  select m.tenant, m.session_id, b.block_id, b.conversation_id, b.position, b.block
  from unnest($16::int[], $17::text[], $18::text[], $19::bigint[], ${texts("$20")})
    as b (place, block_id, conversation_id, position, block)
  join moved m on m.place = b.place
  on conflict (tenant, session_id, block_id) do update set block = excluded.block
), new_records as (
  update sessions set
    name = coalesce(r.name, sessions.name),
    last_activity = coalesce(r.last_activity, sessions.last_activity),
    sort_at = coalesce(r.sort_at, sessions.sort_at),
    session_options = coalesce(r.session_options, sessions.session_options),
    metadata = coalesce(r.metadata, sessions.metadata),
    runtime = coalesce(r.runtime, sessions.runtime),
    loaded = coalesce(r.loaded, sessions.loaded)
  from unnest($21::int[], $22::text[], $23::text[], $24::bigint[], $25::text[], $26::text[], $27::text[], $28::int[])
    as r (place, name, last_activity, sort_at, session_options, metadata, runtime, loaded)
  join moved m on m.place = r.place
  where sessions.tenant = m.tenant and sessions.session_id = m.session_id
), new_snapshots as (
  insert into snapshots (tenant, session_id, version, state)
  select m.tenant, m.session_id, ${PROTOCOL_VERSION}, s.state
  from unnest($29::int[], ${texts("$30")}) as s (place, state)
  join moved m on m.place = s.place
  on conflict (tenant, session_id) do update set version = excluded.version, state = excluded.state
)`;

const MOVED = "select place from moved";

/** Simple batches, each of another session. Answers with those that were written. */
export async function appendSimple(db: Db, batches: readonly EncodedBatch[]): Promise<ReadonlySet<EncodedBatch>> {
  const values = [...logs(batches), ...events(batches)];
  const query = batches.every(isPlain)
    ? CompiledQuery.raw(`${EVENTS} ${MOVED}`, values)
    : CompiledQuery.raw(`${EVENTS}${PARTS} ${MOVED}`, [...values, ...parts(batches)]);
  const { rows } = await db.executeQuery<{ place: number }>(query);
  const moved = new Set(rows.map(({ place }) => place));
  return new Set(batches.filter((_batch, index) => moved.has(index + 1)));
}

function parts(batches: readonly EncodedBatch[]): Columns {
  return [...lines(batches), ...blocks(batches), ...records(batches), ...snapshots(batches)];
}

type Columns = unknown[];

function logs(batches: readonly EncodedBatch[]): Columns {
  return [
    batches.map(({ tenant }) => tenant),
    batches.map(({ sessionId }) => sessionId),
    batches.map(({ expectedSeq }) => expectedSeq),
    batches.map(({ lastSeq }) => lastSeq),
    batches.map(({ fence }) => fence),
    batches.map(({ cursor }) => cursor?.generation ?? null),
    batches.map(({ cursor }) => cursor?.n ?? null),
  ];
}

/** What the batches have of one kind, each with its batch's place. */
function placed<T>(batches: readonly EncodedBatch[], of: (batch: EncodedBatch) => readonly T[]) {
  return batches.flatMap((batch, index) => of(batch).map((item, nth) => ({ place: index + 1, nth: nth + 1, item })));
}

function joined(jsons: readonly (string | null)[]): string {
  return jsons.map((json) => json ?? NONE).join(BETWEEN);
}

function events(batches: readonly EncodedBatch[]): Columns {
  const rows = placed(batches, (batch) => batch.events);
  return [
    rows.map(({ place }) => place),
    rows.map(({ item }) => item.seq),
    rows.map(({ item }) => item.at),
    rows.map(({ item }) => item.type),
    joined(rows.map(({ item }) => item.data)),
  ];
}

function lines(batches: readonly EncodedBatch[]): Columns {
  const rows = placed(batches, (batch) => batch.transcript);
  return [rows.map(({ place }) => place), rows.map(({ nth }) => nth), joined(rows.map(({ item }) => item))];
}

function blocks(batches: readonly EncodedBatch[]): Columns {
  const rows = placed(batches, (batch) => batch.blocks);
  return [
    rows.map(({ place }) => place),
    rows.map(({ item }) => item.blockId),
    rows.map(({ item }) => item.conversationId),
    rows.map(({ item }) => item.position),
    joined(rows.map(({ item }) => item.block)),
  ];
}

function records(batches: readonly EncodedBatch[]): Columns {
  const rows = placed(batches, ({ record, overview }) =>
    record === null && overview === null ? [] : [{ ...record, overview }],
  );
  const column = (value: (item: (typeof rows)[number]["item"]) => Row<"sessions">["name"] | number) =>
    rows.map(({ item }) => value(item));
  return [
    rows.map(({ place }) => place),
    column(({ name }) => name ?? null),
    column(({ lastActivity }) => lastActivity ?? null),
    column(({ lastActivity }) => (lastActivity === undefined ? null : Date.parse(lastActivity))),
    column(({ sessionOptions }) => sessionOptions ?? null),
    column(({ metadata }) => metadata ?? null),
    column(({ overview }) => overview?.json ?? null),
    column(({ overview }) => (overview === null ? null : Number(overview.isLoaded))),
  ];
}

function snapshots(batches: readonly EncodedBatch[]): Columns {
  const rows = placed(batches, ({ snapshot }) => (snapshot === null ? [] : [snapshot]));
  return [rows.map(({ place }) => place), joined(rows.map(({ item }) => item))];
}
