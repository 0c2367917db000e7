import { PROTOCOL_VERSION } from "@hhopkins/agent-runtime-protocol";
import type { EncodedBatch } from "../encoded-batch.ts";
import { knownMessage, noSession, staleFence, takenBefore, wrongSeq } from "../store-errors.ts";
import type { Db } from "./schema.ts";
import type { WriteStatements } from "./write-statements.ts";

/** A batch on its way into an open transaction. */
interface Write {
  readonly trx: Db;
  readonly statements: WriteStatements;
  readonly batch: EncodedBatch;
}

/** Writes one batch, or returns why it is refused; then nothing was written. Throws what the database throws. */
export async function writeBatch(write: Write): Promise<Error | null> {
  const { trx, statements, batch } = write;
  const clash = await knownMessageOf(write);
  if (clash !== null) return (await refusal(write)) ?? clash;
  const moved = await trx.executeQuery(
    statements.advance({
      ...keyOf(batch),
      expected_seq: batch.expectedSeq,
      fence: batch.fence,
      last_seq: batch.lastSeq,
      cursor_generation: batch.cursor?.generation ?? null,
      cursor_n: batch.cursor?.n ?? null,
      native_session_id: batch.nativeSessionId,
      generation: batch.generation,
    }),
  );
  if (moved.numAffectedRows !== 1n) {
    const other = batch.cursor === null ? wrongSeq(batch, batch.expectedSeq) : takenBefore(batch, batch.cursor);
    return (await refusal(write)) ?? other;
  }
  await writeParts(write);
  return null;
}

/** Everything of a batch but the log's own row. */
export async function writeParts(write: Write): Promise<void> {
  await writeEvents(write);
  await writeTranscript(write);
  await writeFiles(write);
  await writeRest(write);
  await writeRecord(write);
}

function keyOf(batch: EncodedBatch): { tenant: string; session_id: string } {
  return { tenant: batch.tenant, session_id: batch.sessionId };
}

async function knownMessageOf({ trx, statements, batch }: Write): Promise<Error | null> {
  for (const { messageId, idempotencyKey } of batch.messages) {
    const query = statements.sameMessage({
      ...keyOf(batch),
      message_id: messageId,
      idempotency_key: idempotencyKey ?? null,
    });
    if ((await trx.executeQuery(query)).rows.length > 0) return knownMessage(messageId);
  }
  return null;
}

/** Why the log cannot take the batch, or null. */
async function refusal({ trx, statements, batch }: Write): Promise<Error | null> {
  const [log] = (await trx.executeQuery(statements.log(keyOf(batch)))).rows;
  if (log === undefined) return noSession(batch.sessionId);
  if (batch.fence !== null && batch.fence !== log.fence) return staleFence({ ...batch, fence: batch.fence }, log.fence);
  return log.last_seq === batch.expectedSeq ? null : wrongSeq(batch, log.last_seq);
}

async function writeEvents({ trx, statements, batch }: Write): Promise<void> {
  const key = keyOf(batch);
  const rows = batch.events.map(({ seq, at, type, data }) => ({
    ...key,
    seq,
    version: PROTOCOL_VERSION,
    at,
    type,
    data,
  }));
  for (const query of statements.events(rows)) await trx.executeQuery(query);
}

async function writeTranscript({ trx, statements, batch }: Write): Promise<void> {
  if (batch.transcript.length === 0) return;
  const key = keyOf(batch);
  const [last] = (await trx.executeQuery(statements.lastTranscript(key))).rows;
  const first = (last?.n ?? 0) + 1;
  const rows = batch.transcript.map((entry, index) => ({ ...key, n: first + index, entry }));
  for (const query of statements.transcripts(rows)) await trx.executeQuery(query);
}

async function writeFiles({ trx, statements, batch }: Write): Promise<void> {
  const key = keyOf(batch);
  for (const path_key of batch.deletedFiles) await trx.executeQuery(statements.dropFile({ ...key, path_key }));
  for (const sha256 of batch.droppedBlobs) await trx.executeQuery(statements.dropBlob({ ...key, sha256 }));
  const files = batch.putFiles.map(({ pathKey, entry }) => ({ ...key, path_key: pathKey, entry }));
  const put = new Set(batch.putFiles.map(({ pathKey }) => pathKey));
  const gone = batch.deletedFiles.filter((path_key) => !put.has(path_key));
  const versions = [
    ...files.map((file) => ({ ...file, seq: batch.filesSeq })),
    ...gone.map((path_key) => ({ ...key, path_key, seq: batch.filesSeq, entry: null })),
  ];
  const checkpoints =
    batch.checkpoint === null ? [] : [{ ...key, seq: batch.lastSeq, turn_id: batch.checkpoint.turnId }];
  const blobs = batch.blobs.map(({ sha256, offset, total, bytes }) => ({
    ...key,
    sha256,
    start: offset,
    length: bytes.byteLength,
    total,
    bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  }));
  const queries = [
    ...statements.blobs(blobs),
    ...statements.files(files),
    ...statements.fileVersions(versions),
    ...statements.checkpoints(checkpoints),
  ];
  for (const query of queries) await trx.executeQuery(query);
}

async function writeRest({ trx, statements, batch }: Write): Promise<void> {
  const key = keyOf(batch);
  const blocks = batch.blocks.map(({ blockId, conversationId, position, block }) => {
    return { ...key, block_id: blockId, conversation_id: conversationId, position, block };
  });
  const messages = batch.messages.map(({ messageId, idempotencyKey, contentHash, position }) => {
    const ids = { message_id: messageId, idempotency_key: idempotencyKey ?? null };
    return { ...key, ...ids, content_hash: contentHash, position: position ?? null };
  });
  const snapshots = batch.snapshot === null ? [] : [{ ...key, version: PROTOCOL_VERSION, state: batch.snapshot }];
  const sandboxes = batch.sandbox === undefined || batch.sandbox === null ? [] : [{ ...key, sandbox: batch.sandbox }];
  const queries = [
    ...statements.blocks(blocks),
    ...statements.messages(messages),
    ...statements.snapshots(snapshots),
    ...statements.sandboxes(sandboxes),
    ...(batch.sandbox === null ? [statements.dropSandbox(key)] : []),
  ];
  for (const query of queries) await trx.executeQuery(query);
}

async function writeRecord({ trx, batch }: Write): Promise<void> {
  const { record, overview } = batch;
  const changes = {
    ...(record?.name === undefined ? {} : { name: record.name }),
    ...(record?.lastActivity === undefined
      ? {}
      : { last_activity: record.lastActivity, sort_at: Date.parse(record.lastActivity) }),
    ...(record?.sessionOptions === undefined ? {} : { session_options: record.sessionOptions }),
    ...(record?.metadata === undefined ? {} : { metadata: record.metadata }),
    ...(overview === null ? {} : { runtime: overview.json, loaded: overview.isLoaded ? 1 : 0 }),
  };
  if (Object.keys(changes).length === 0) return;
  await trx
    .updateTable("sessions")
    .set(changes)
    .where("tenant", "=", batch.tenant)
    .where("session_id", "=", batch.sessionId)
    .execute();
}
