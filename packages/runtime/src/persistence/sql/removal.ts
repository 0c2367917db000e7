/** Removes sessions: for users at once, from the tables in pieces that hold nobody up for long. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { sql } from "kysely";
import type { SessionKey } from "../session-store.ts";
import type { SqlWords } from "./dialect.ts";
import { SESSION_TABLES, type Db } from "./schema.ts";

/** Tables that may have many rows of a session: the column that puts them in order, and rows of one transaction. */
const LONG = {
  events: { by: "seq", rows: 5_000 },
  transcripts: { by: "n", rows: 500 },
  blocks: { by: "block_id", rows: 5_000 },
  messages: { by: "message_id", rows: 5_000 },
  files: { by: "path_key", rows: 5_000 },
  file_versions: { by: "path_key", rows: 5_000 },
  blobs: { by: "sha256", rows: 64 },
} as const;
type Long = keyof typeof LONG;

const isLong = (table: (typeof SESSION_TABLES)[number]): table is Long => Object.hasOwn(LONG, table);

/** From its first transaction on the session is not there. */
export async function removeSession(db: Db, words: SqlWords, key: SessionKey): Promise<void> {
  const { tenant, sessionId: session_id } = key;
  await db.transaction().execute(async (trx) => {
    for (const table of SESSION_TABLES) {
      if (!isLong(table))
        await trx.deleteFrom(table).where("tenant", "=", tenant).where("session_id", "=", session_id).execute();
    }
    const removal = trx.insertInto("removals").values({ tenant, session_id });
    await words.upsert(removal, { keys: ["tenant", "session_id"], changed: [] }).execute();
  });
  await finishRemoval(db, words, key);
}

/** Goes on with what an earlier process had begun. */
export async function finishRemovals(db: Db, words: SqlWords): Promise<void> {
  const begun = await db.selectFrom("removals").select(["tenant", "session_id"]).execute();
  for (const { tenant, session_id } of begun) await finishRemoval(db, words, { tenant, sessionId: session_id });
}

/** Whether a session with this id is still being removed. */
export async function isBeingRemoved(db: Db, { tenant, sessionId }: SessionKey): Promise<boolean> {
  const row = await db
    .selectFrom("removals")
    .select("session_id")
    .where("tenant", "=", tenant)
    .where("session_id", "=", sessionId)
    .executeTakeFirst();
  return row !== undefined;
}

async function finishRemoval(db: Db, words: SqlWords, key: SessionKey): Promise<void> {
  for (const table of SESSION_TABLES) {
    if (isLong(table)) while (await removePiece(db, words, { ...key, table })) await nextTurn();
  }
  let over = db.deleteFrom("removals").where("tenant", "=", key.tenant).where("session_id", "=", key.sessionId);
  // Where something is left it is a newer session's of this id, whose removal began after ours was over.
  for (const table of Object.keys(LONG) as Long[]) {
    over = over.where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom(table).select("tenant").where("tenant", "=", key.tenant).where("session_id", "=", key.sessionId),
        ),
      ),
    );
  }
  await over.execute();
}

/** Answers whether there is more. */
async function removePiece(
  db: Db,
  { locksRows }: SqlWords,
  { tenant, sessionId, table }: SessionKey & { table: Long },
): Promise<boolean> {
  const { by, rows } = LONG[table];
  const column = sql.ref<string | number>(by);
  return await db.transaction().execute(async (trx) => {
    // Another process may have finished it meanwhile, and what is there by now is a new session with the same id.
    const removal = await trx
      .selectFrom("removals")
      .select("session_id")
      .where("tenant", "=", tenant)
      .where("session_id", "=", sessionId)
      .$if(locksRows, (query) => query.forUpdate())
      .executeTakeFirst();
    if (removal === undefined) return false;
    const last = await trx
      .selectFrom(table)
      .select(column.as("last"))
      .where("tenant", "=", tenant)
      .where("session_id", "=", sessionId)
      .orderBy(column)
      .limit(1)
      .offset(rows - 1)
      .executeTakeFirst();
    const rest = trx.deleteFrom(table).where("tenant", "=", tenant).where("session_id", "=", sessionId);
    await (last === undefined ? rest : rest.where(column, "<=", last.last)).execute();
    return last !== undefined;
  });
}
