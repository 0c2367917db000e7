import type { Compaction, SessionKey } from "../session-store.ts";
import { compactsTail } from "../store-errors.ts";
import type { SqlWords } from "./dialect.ts";
import type { Db, Row } from "./schema.ts";
import { statement } from "./statement.ts";

type Key = Pick<Row<"logs">, "tenant" | "session_id">;

/** Statements of a compaction, compiled once a database. */
function compactStatements(db: Db, { locksRows }: SqlWords) {
  return {
    lastSeq: statement<Key, { last_seq: number }>(["tenant", "session_id"], (v) =>
      db
        .selectFrom("logs")
        .select("last_seq")
        .where("tenant", "=", v.tenant)
        .where("session_id", "=", v.session_id)
        // One compaction of a session at a time: each reads what the one before it left.
        .$if(locksRows, (query) => query.forUpdate()),
    ),
    drop: statement<Key & { from: number; to: number }, unknown>(["tenant", "session_id", "from", "to"], (v) =>
      db
        .deleteFrom("events")
        .where("tenant", "=", v.tenant)
        .where("session_id", "=", v.session_id)
        .where("seq", ">=", v.from)
        .where("seq", "<=", v.to),
    ),
    before: statement<Key & { from: number }, { seq: number }>(["tenant", "session_id", "from"], (v) =>
      db
        .selectFrom("events")
        .select("seq")
        .where("tenant", "=", v.tenant)
        .where("session_id", "=", v.session_id)
        .where("seq", "<", v.from)
        .orderBy("seq", "desc")
        .limit(1),
    ),
    after: statement<Key & { to: number }, { seq: number }>(["tenant", "session_id", "to"], (v) =>
      db
        .selectFrom("events")
        .select("seq")
        .where("tenant", "=", v.tenant)
        .where("session_id", "=", v.session_id)
        .where("seq", ">", v.to)
        .orderBy("seq")
        .limit(1),
    ),
    between: statement<Key & { from: number; to: number }, { seq: number }>(
      ["tenant", "session_id", "from", "to"],
      (v) =>
        db
          .selectFrom("events")
          .select("seq")
          .where("tenant", "=", v.tenant)
          .where("session_id", "=", v.session_id)
          .where("seq", ">=", v.from)
          .where("seq", "<=", v.to)
          .orderBy("seq"),
    ),
    cover: statement<Key & { seq: number; from: number }, unknown>(["tenant", "session_id", "seq", "from"], (v) =>
      db
        .updateTable("events")
        .set({ from_seq: v.from })
        .where("tenant", "=", v.tenant)
        .where("session_id", "=", v.session_id)
        .where("seq", "=", v.seq),
    ),
    advance: statement<Key & { up_to: number }, unknown>(["tenant", "session_id", "up_to"], (v) =>
      db
        .updateTable("logs")
        .set({ compacted_to: v.up_to })
        .where("tenant", "=", v.tenant)
        .where("session_id", "=", v.session_id)
        .where("compacted_to", "<", v.up_to),
    ),
  };
}

/** `compact` of a store: what is dropped and what says so, in one transaction. */
export function sqlCompact(db: Db, words: SqlWords): (key: SessionKey, compaction: Compaction) => Promise<void> {
  const statements = compactStatements(db, words);
  return async ({ tenant, sessionId }, { drop, upTo }) => {
    const key = { tenant, session_id: sessionId };
    await db.transaction().execute(async (trx) => {
      const [log] = (await trx.executeQuery(statements.lastSeq(key))).rows;
      if (log === undefined) return;
      const [first] = drop;
      const last = drop.at(-1);
      if (first !== undefined && last !== undefined) {
        if (last.to >= log.last_seq) throw compactsTail(last.to);
        for (const range of drop) await trx.executeQuery(statements.drop({ ...key, ...range }));
        const [before] = (await trx.executeQuery(statements.before({ ...key, from: first.from }))).rows;
        const [after] = (await trx.executeQuery(statements.after({ ...key, to: last.to }))).rows;
        if (after === undefined) throw compactsTail(last.to);
        let from = (before?.seq ?? 0) + 1;
        const { rows } = await trx.executeQuery(statements.between({ ...key, from, to: after.seq }));
        for (const { seq } of rows) {
          if (seq > from) await trx.executeQuery(statements.cover({ ...key, seq, from }));
          from = seq + 1;
        }
      }
      await trx.executeQuery(statements.advance({ ...key, up_to: upTo }));
    });
  };
}
