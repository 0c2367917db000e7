import { RuntimeError, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import { encodeBatch, isPlain, isSimple, type EncodedBatch } from "../encoded-batch.ts";
import { sortTime } from "../list-cursor.ts";
import { NEVER_RUN_JSON } from "../session-overview.ts";
import type { AppendBatch, SessionKey, SessionStore } from "../session-store.ts";
import { sessionExists } from "../store-errors.ts";
import { sqlCluster } from "./cluster.ts";
import { sqlCompact } from "./compact.ts";
import { databaseClock } from "./database-clock.ts";
import type { SqlDialect } from "./dialect.ts";
import { sqlReads } from "./reads.ts";
import { isBeingRemoved, removeSession } from "./removal.ts";
import { retried } from "./retried.ts";
import type { Db, Row } from "./schema.ts";
import { writeBatch, writeParts } from "./write-batch.ts";
import { writeStatements, type WriteStatements } from "./write-statements.ts";

type StoreDialect = Omit<SqlDialect, "name" | "types" | "schema" | "open" | "verify">;

interface Writer {
  readonly db: Db;
  readonly statements: WriteStatements;
  readonly dialect: StoreDialect;
}

/** The store on a database that is open and migrated. */
export function sqlStore(db: Db, dialect: StoreDialect): SessionStore {
  const writer: Writer = { db, dialect, statements: writeStatements(db, dialect.words) };
  const { words, bus } = dialect;
  const cluster = words.nowMs === undefined ? undefined : sqlCluster({ db, words, clock: databaseClock(words.nowMs) });
  return {
    ...sqlReads(db),
    create: (session) => create(writer, session),
    append: (batches) => append(writer, batches),
    compact: sqlCompact(db, dialect.words),
    delete: (key) => removeSession(db, dialect.words, key),
    ...(cluster === undefined ? {} : { cluster: bus === undefined ? cluster : { ...cluster, bus } }),
  };
}

async function create(writer: Writer, session: Parameters<SessionStore["create"]>[0]): Promise<void> {
  const { tenant, sessionId, record, logId, first } = session;
  const batch = encodeBatch({ ...first, tenant, sessionId, expectedSeq: 0 });
  const writing = writer.db.transaction().execute(async (trx) => {
    const known = await trx
      .selectFrom("logs")
      .select("log_id")
      .where("tenant", "=", tenant)
      .where("session_id", "=", sessionId)
      .executeTakeFirst();
    if (known !== undefined || (await isBeingRemoved(trx, { tenant, sessionId }))) throw sessionExists(sessionId);
    await trx.insertInto("sessions").values(sessionRow({ tenant, sessionId }, record)).execute();
    await trx.insertInto("logs").values(logRow(batch, logId)).execute();
    await writeParts({ trx, statements: writer.statements, batch });
  });
  await writing.catch((error: unknown) => {
    // Another process was faster; its rows were not to be seen above.
    throw writer.dialect.isDuplicate(error) ? sessionExists(sessionId) : error;
  });
}

function sessionRow(
  { tenant, sessionId }: SessionKey,
  record: Parameters<SessionStore["create"]>[0]["record"],
): Row<"sessions"> {
  const { name, lastActivity, sessionOptions, metadata } = record;
  return {
    tenant,
    session_id: sessionId,
    type: record.type,
    profile: record.agentProfileReference,
    name: name === undefined ? null : JSON.stringify(name),
    created_at: record.createdAt,
    last_activity: lastActivity ?? null,
    sort_at: sortTime(record),
    created_ms: Date.parse(record.createdAt),
    session_options: sessionOptions === undefined ? null : JSON.stringify(sessionOptions),
    metadata: metadata === undefined ? null : JSON.stringify(metadata),
    runtime: NEVER_RUN_JSON,
    loaded: 0,
  };
}

function logRow(batch: EncodedBatch, logId: string): Row<"logs"> {
  return {
    tenant: batch.tenant,
    session_id: batch.sessionId,
    log_id: logId,
    last_seq: batch.lastSeq,
    cursor_generation: batch.cursor?.generation ?? null,
    cursor_n: batch.cursor?.n ?? null,
    native_session_id: batch.nativeSessionId,
    generation: batch.generation,
    node_id: null,
  };
}

async function append(writer: Writer, batches: Parameters<SessionStore["append"]>[0]): Promise<(Error | null)[]> {
  const encoded = batches.map((batch) => {
    try {
      return encodeBatch(writer.dialect.words.nowMs === undefined ? withoutFence(batch) : batch);
    } catch (error) {
      return toRuntimeError(error, "persistence_unavailable");
    }
  });
  const { appendSimple, appendPlain } = writer.dialect;
  const faster = appendSimple ?? appendPlain;
  const some = lonely(encoded).filter(appendSimple === undefined ? isPlain : isSimple);
  if (faster === undefined || some.length === 0) return await appendAll(writer, encoded);
  const written = await faster(writer.db, some).catch((error: unknown) => ({ error }));
  if ("error" in written) return await appendFailed(writer, encoded, written.error);
  const isWritten = (batch: EncodedBatch | RuntimeError): boolean => written.has(batch as EncodedBatch);
  const others = await appendAll(
    writer,
    encoded.filter((batch) => !isWritten(batch)),
  );
  return encoded.map((batch) => (isWritten(batch) ? null : (others.shift() ?? null)));
}

/** Batches whose session has no other one: their order among the others does not count. */
function lonely(batches: readonly (EncodedBatch | RuntimeError)[]): EncodedBatch[] {
  const encoded = batches.filter((batch): batch is EncodedBatch => !(batch instanceof RuntimeError));
  const name = ({ tenant, sessionId }: EncodedBatch): string => JSON.stringify([tenant, sessionId]);
  const counts = new Map<string, number>();
  for (const batch of encoded) counts.set(name(batch), (counts.get(name(batch)) ?? 0) + 1);
  return encoded.filter((batch) => counts.get(name(batch)) === 1);
}

/** All batches in one transaction, where a refused one writes nothing. */
async function appendAll(writer: Writer, batches: readonly (EncodedBatch | RuntimeError)[]): Promise<(Error | null)[]> {
  if (batches.length === 0) return [];
  try {
    return await appendTogether(writer, batches);
  } catch (error) {
    return await appendFailed(writer, batches, error);
  }
}

/**
 * When the database fails on one of them, all are rolled back and each is written alone: so a batch that cannot be
 * written does not take others with it. When the connection fails, they may be written, and are not tried again.
 */
async function appendFailed(
  writer: Writer,
  batches: readonly (EncodedBatch | RuntimeError)[],
  error: unknown,
): Promise<(Error | null)[]> {
  const { dialect } = writer;
  if (batches.length === 1 || dialect.isConnectionLost?.(error) === true) {
    return batches.map((batch) => (batch instanceof RuntimeError ? batch : dialect.explain(error)));
  }
  const outcomes: (Error | null)[] = [];
  for (const batch of batches) {
    outcomes.push(...(await appendTogether(writer, [batch]).catch((alone: unknown) => [dialect.explain(alone)])));
  }
  return outcomes;
}

/** One process has the database for itself: there are no leases. */
function withoutFence({ fence: _none, ...batch }: AppendBatch): AppendBatch {
  return batch;
}

async function appendTogether(
  { db, statements, dialect }: Writer,
  batches: readonly (EncodedBatch | RuntimeError)[],
): Promise<(Error | null)[]> {
  const together = (): Promise<(Error | null)[]> =>
    db.transaction().execute(async (trx) => {
      const outcomes: (Error | null)[] = [];
      for (const batch of batches) {
        outcomes.push(batch instanceof RuntimeError ? batch : await writeBatch({ trx, statements, batch }));
      }
      return outcomes;
    });
  return await retried((error) => dialect.isTransient?.(error) ?? false, together);
}
