import type { ClusterStore, CommandAnswer, SessionCommand } from "../session-store.ts";
import { noSession } from "../store-errors.ts";
import type { ClusterDb } from "./cluster.ts";
import { ofSession } from "./database-clock.ts";
import { decodeJson } from "./rows.ts";
import type { Row } from "./schema.ts";

/** How long an answer can be fetched. */
const ANSWER_MS = 60_000;

type CommandMethods = Pick<ClusterStore, "send" | "waiting" | "answer" | "answers" | "forget">;

/** What nodes ask of each other, and the answers. */
export function sqlCommands(parts: ClusterDb): CommandMethods {
  const { db, words, clock } = parts;
  return {
    send: (command) => send(parts, command),
    waiting: async (nodeId, limit) => {
      const rows = await db
        .selectFrom("commands")
        .innerJoin("logs", (join) =>
          join.onRef("logs.tenant", "=", "commands.tenant").onRef("logs.session_id", "=", "commands.session_id"),
        )
        .selectAll("commands")
        .where("logs.node_id", "=", nodeId)
        .where(clock.isValid("commands.valid_until"))
        .orderBy("commands.id")
        .limit(limit)
        .execute();
      return rows.map(decodeCommand);
    },
    answer: async (id, answer) => {
      await db.transaction().execute(async (trx) => {
        const kept = { id, answer: JSON.stringify(answer), valid_until: clock.in(ANSWER_MS) };
        await words.upsert(trx.insertInto("answers").values(kept), { keys: ["id"], changed: [] }).execute();
        await trx.deleteFrom("commands").where("id", "=", id).execute();
      });
    },
    answers: async (ids) => {
      if (ids.length === 0) return [];
      const rows = await db
        .selectFrom("answers")
        .select(["id", "answer"])
        .where("id", "in", [...ids])
        .where("valid_until", ">", clock.nowMs)
        .execute();
      const texts = new Map(rows.map(({ id, answer }) => [id, answer]));
      return ids.map((id) => {
        const text = texts.get(id);
        return text === undefined ? null : decodeJson<CommandAnswer>(text, `the answer to command ${id}`);
      });
    },
    forget: async (ids) => {
      if (ids.length > 0)
        await db
          .deleteFrom("answers")
          .where("id", "in", [...ids])
          .execute();
    },
  };
}

async function send({ db, words, clock }: ClusterDb, command: SessionCommand): Promise<void> {
  const { id, tenant, sessionId, from, method, body, validMs } = command;
  await db.transaction().execute(async (trx) => {
    // Locked, so that a deletion at the same time comes before it or takes the command along.
    const log = await ofSession(trx.selectFrom("logs").select("log_id"), command)
      .$if(words.locksRows, (query) => query.forUpdate())
      .executeTakeFirst();
    if (log === undefined) throw noSession(sessionId);
    const row = {
      id,
      tenant,
      session_id: sessionId,
      from_node: from,
      method,
      body: JSON.stringify(body),
      valid_ms: validMs ?? null,
      valid_until: validMs === undefined ? null : clock.in(validMs),
    };
    await words.upsert(trx.insertInto("commands").values(row), { keys: ["id"], changed: [] }).execute();
    // After the command is there: an answer of meanwhile would have taken it away.
    const answered = await trx.selectFrom("answers").select("id").where("id", "=", id).executeTakeFirst();
    if (answered !== undefined) await trx.deleteFrom("commands").where("id", "=", id).execute();
  });
}

function decodeCommand(row: Omit<Row<"commands">, "valid_until">): SessionCommand {
  return {
    id: row.id,
    tenant: row.tenant,
    sessionId: row.session_id,
    from: row.from_node,
    method: row.method,
    body: decodeJson(row.body, `command ${row.id}`),
    ...(row.valid_ms === null || row.valid_ms === undefined ? {} : { validMs: row.valid_ms }),
  };
}
