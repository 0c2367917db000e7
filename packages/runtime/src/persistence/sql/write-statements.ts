import type { SqlWords } from "./dialect.ts";
import type { Db, Row } from "./schema.ts";
import { rowsStatement, statement } from "./statement.ts";

interface Advance {
  tenant: string;
  session_id: string;
  expected_seq: number;
  fence: number | null;
  last_seq: number;
  cursor_generation: number | null;
  cursor_n: number | null;
  native_session_id: string | null;
  generation: number;
}

type Key = Pick<Row<"logs">, "tenant" | "session_id">;

/** Statements of an append, compiled once a database. */
export function writeStatements(db: Db, words: SqlWords) {
  return {
    /** Changes no row where the log is not at `expected_seq`, or has another fence: the guard of every append. */
    advance: statement<Advance, unknown>(
      [
        "tenant",
        "session_id",
        "expected_seq",
        "fence",
        "last_seq",
        "cursor_generation",
        "cursor_n",
        "native_session_id",
        "generation",
      ],
      (v) =>
        db
          .updateTable("logs")
          .set((eb) => ({
            last_seq: v.last_seq,
            cursor_generation: eb.fn.coalesce(eb.val(v.cursor_generation), "cursor_generation"),
            cursor_n: eb.fn.coalesce(eb.val(v.cursor_n), "cursor_n"),
            native_session_id: eb.fn.coalesce(eb.val(v.native_session_id), "native_session_id"),
            generation: eb
              .case()
              .when("generation", "<", v.generation)
              .then(eb.val(v.generation))
              .else(eb.ref("generation"))
              .end(),
          }))
          .where("tenant", "=", v.tenant)
          .where("session_id", "=", v.session_id)
          .where("last_seq", "=", v.expected_seq)
          .where((eb) => eb("fence", "=", eb.fn.coalesce(eb.val(v.fence), "fence")))
          // Without a cursor of its own a batch counts as beyond the stored one.
          .where((eb) => {
            const generation = eb.fn.coalesce(eb.val(v.cursor_generation), eb("cursor_generation", "+", 1));
            const n = eb.fn.coalesce(eb.val(v.cursor_n), eb("cursor_n", "+", 1));
            const isNewer = eb.and([eb(generation, "=", eb.ref("cursor_generation")), eb(n, ">", eb.ref("cursor_n"))]);
            return eb.or([eb("cursor_n", "is", null), eb(generation, ">", eb.ref("cursor_generation")), isNewer]);
          }),
    ),
    log: statement<Key, { last_seq: number; fence: number }>(["tenant", "session_id"], (v) =>
      db
        .selectFrom("logs")
        .select(["last_seq", "fence"])
        .where("tenant", "=", v.tenant)
        .where("session_id", "=", v.session_id),
    ),
    lastTranscript: statement<Key, { n: number }>(["tenant", "session_id"], (v) =>
      db
        .selectFrom("transcripts")
        .select("n")
        .where("tenant", "=", v.tenant)
        .where("session_id", "=", v.session_id)
        .orderBy("n", "desc")
        .limit(1),
    ),
    sameMessage: statement<Key & { message_id: string; idempotency_key: string | null }, { message_id: string }>(
      ["tenant", "session_id", "message_id", "idempotency_key"],
      (v) =>
        db
          .selectFrom("messages")
          .select("message_id")
          .where("tenant", "=", v.tenant)
          .where("session_id", "=", v.session_id)
          .where((eb) => eb.or([eb("message_id", "=", v.message_id), eb("idempotency_key", "=", v.idempotency_key)])),
    ),
    events: rowsStatement<Row<"events">, unknown>(
      ["tenant", "session_id", "seq", "version", "at", "type", "data"],
      (rows) => db.insertInto("events").values(rows),
    ),
    transcripts: rowsStatement<Row<"transcripts">, unknown>(["tenant", "session_id", "n", "entry"], (rows) =>
      db.insertInto("transcripts").values(rows),
    ),
    messages: rowsStatement<Row<"messages">, unknown>(
      ["tenant", "session_id", "message_id", "idempotency_key", "content_hash", "position"],
      (rows) => db.insertInto("messages").values(rows),
    ),
    ...upserts(db, words),
    dropFile: statement<Omit<Row<"files">, "entry">, unknown>(["tenant", "session_id", "path_key"], (v) =>
      db
        .deleteFrom("files")
        .where("tenant", "=", v.tenant)
        .where("session_id", "=", v.session_id)
        .where("path_key", "=", v.path_key),
    ),
    dropBlob: statement<Key & { sha256: string }, unknown>(["tenant", "session_id", "sha256"], (v) =>
      db
        .deleteFrom("blobs")
        .where("tenant", "=", v.tenant)
        .where("session_id", "=", v.session_id)
        .where("sha256", "=", v.sha256),
    ),
    checkpoints: rowsStatement<Row<"checkpoints">, unknown>(["tenant", "session_id", "seq", "turn_id"], (rows) =>
      db.insertInto("checkpoints").values(rows),
    ),
    dropSandbox: statement<Key, unknown>(["tenant", "session_id"], (v) =>
      db.deleteFrom("sandboxes").where("tenant", "=", v.tenant).where("session_id", "=", v.session_id),
    ),
  };
}

/** Rows that are there once, however often they are written. */
function upserts(db: Db, { upsert }: SqlWords) {
  const session = ["tenant", "session_id"] as const;
  return {
    /** A known block keeps its conversation and its position. */
    blocks: rowsStatement<Row<"blocks">, unknown>(
      [...session, "block_id", "conversation_id", "position", "block"],
      (rows) => upsert(db.insertInto("blocks").values(rows), { keys: [...session, "block_id"], changed: ["block"] }),
    ),
    files: rowsStatement<Row<"files">, unknown>([...session, "path_key", "entry"], (rows) =>
      upsert(db.insertInto("files").values(rows), { keys: [...session, "path_key"], changed: ["entry"] }),
    ),
    fileVersions: rowsStatement<Row<"file_versions">, unknown>([...session, "path_key", "seq", "entry"], (rows) =>
      upsert(db.insertInto("file_versions").values(rows), {
        keys: [...session, "path_key", "seq"],
        changed: ["entry"],
      }),
    ),
    blobs: rowsStatement<Row<"blobs">, unknown>([...session, "sha256", "start", "length", "total", "bytes"], (rows) =>
      upsert(db.insertInto("blobs").values(rows), { keys: [...session, "sha256", "start"], changed: [] }),
    ),
    sandboxes: rowsStatement<Row<"sandboxes">, unknown>([...session, "sandbox"], (rows) =>
      upsert(db.insertInto("sandboxes").values(rows), { keys: session, changed: ["sandbox"] }),
    ),
    snapshots: rowsStatement<Row<"snapshots">, unknown>([...session, "version", "state"], (rows) =>
      upsert(db.insertInto("snapshots").values(rows), { keys: session, changed: ["version", "state"] }),
    ),
  };
}

export type WriteStatements = ReturnType<typeof writeStatements>;
