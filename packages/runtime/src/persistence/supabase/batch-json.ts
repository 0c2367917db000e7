import { PROTOCOL_VERSION } from "@hhopkins/agent-runtime-protocol";
import type { EncodedBatch } from "../encoded-batch.ts";
import type { BlobChunk } from "../session-store.ts";

/** A batch as the functions in the database take it, by the names of the columns. What is empty is not there. */
export function batchJson(batch: EncodedBatch, fence?: number): Readonly<Record<string, unknown>> {
  const { record, overview, cursor } = batch;
  return {
    tenant: batch.tenant,
    session_id: batch.sessionId,
    version: PROTOCOL_VERSION,
    expected_seq: batch.expectedSeq,
    last_seq: batch.lastSeq,
    files_seq: batch.filesSeq,
    generation: batch.generation,
    ...(fence === undefined ? {} : { fence }),
    ...(cursor === null ? {} : { cursor_generation: cursor.generation, cursor_n: cursor.n }),
    ...(batch.nativeSessionId === null ? {} : { native_session_id: batch.nativeSessionId }),
    ...some("events", batch.events),
    ...some("transcript", batch.transcript),
    ...some("gone_blobs", batch.droppedBlobs),
    ...some("blobs", batch.blobs.map(blobJson)),
    ...some("gone_files", batch.deletedFiles),
    ...some(
      "files",
      batch.putFiles.map(({ pathKey, entry }) => ({ path_key: pathKey, entry })),
    ),
    ...(batch.checkpoint === null ? {} : { checkpoint: batch.checkpoint.turnId }),
    ...some(
      "blocks",
      batch.blocks.map(({ blockId, conversationId, position, block }) => {
        return { block_id: blockId, conversation_id: conversationId, position, block };
      }),
    ),
    ...some(
      "messages",
      batch.messages.map(({ messageId, idempotencyKey, contentHash, position }) => {
        return { message_id: messageId, idempotency_key: idempotencyKey, content_hash: contentHash, position };
      }),
    ),
    ...(batch.snapshot === null ? {} : { snapshot: batch.snapshot }),
    ...(batch.sandbox === undefined ? {} : { sandbox: batch.sandbox }),
    ...(record === null && overview === null ? {} : { record: recordJson(batch) }),
  };
}

function some(name: string, items: readonly unknown[]): Record<string, unknown> {
  return items.length === 0 ? {} : { [name]: items };
}

function blobJson({ sha256, offset, total, bytes }: BlobChunk): Record<string, unknown> {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  return { sha256, start: offset, length: bytes.byteLength, total, bytes: base64 };
}

function recordJson({ record, overview }: EncodedBatch): Record<string, unknown> {
  return {
    name: record?.name,
    ...(record?.lastActivity === undefined
      ? {}
      : { last_activity: record.lastActivity, sort_at: Date.parse(record.lastActivity) }),
    session_options: record?.sessionOptions,
    metadata: record?.metadata,
    ...(overview === null ? {} : { runtime: overview.json, loaded: overview.isLoaded ? 1 : 0 }),
  };
}

/** About how many bytes a batch is on its way. */
export function batchWeight({ events, blobs, transcript, blocks, putFiles, snapshot }: EncodedBatch): number {
  const texts = [
    ...events.map(({ data }) => data),
    ...transcript,
    ...blocks.map(({ block }) => block ?? ""),
    ...putFiles.map(({ entry }) => entry),
    snapshot ?? "",
  ];
  const ofBlobs = blobs.reduce((sum, { bytes }) => sum + (bytes.byteLength * 4) / 3, 0);
  return texts.reduce((sum, text) => sum + text.length + 100, ofBlobs);
}
