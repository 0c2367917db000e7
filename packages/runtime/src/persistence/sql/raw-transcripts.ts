import type { RawTranscripts } from "../nine-methods.ts";
import { noSession } from "../store-errors.ts";
import type { SqlWords } from "./dialect.ts";
import { decodeJson } from "./rows.ts";
import type { Db } from "./schema.ts";

/** Texts that were given to `saveTranscript`, one a session. */
export function sqlRawTranscripts(db: Db, words: SqlWords): RawTranscripts {
  return {
    save: async ({ tenant, sessionId }, text) => {
      await db.transaction().execute(async (trx) => {
        const log = await trx
          .selectFrom("logs")
          .select("last_seq")
          .where("tenant", "=", tenant)
          .where("session_id", "=", sessionId)
          .$if(words.locksRows, (query) => query.forUpdate())
          .executeTakeFirst();
        if (log === undefined) throw noSession(sessionId);
        await trx
          .deleteFrom("raw_transcripts")
          .where("tenant", "=", tenant)
          .where("session_id", "=", sessionId)
          .execute();
        await trx
          .insertInto("raw_transcripts")
          .values({ tenant, session_id: sessionId, seq: log.last_seq, text: JSON.stringify(text) })
          .execute();
      });
    },
    load: async ({ tenant, sessionId }) => {
      const row = await db
        .selectFrom("raw_transcripts")
        .select(["seq", "text"])
        .where("tenant", "=", tenant)
        .where("session_id", "=", sessionId)
        .executeTakeFirst();
      return row === undefined ? null : { seq: row.seq, text: decodeJson(row.text, `session ${sessionId}`) };
    },
  };
}
