import { PROTOCOL_VERSION } from "@hhopkins/agent-runtime-protocol";
import { eventJson, type EncodedBatch } from "../encoded-batch.ts";
import type { SessionKey } from "../session-store.ts";
import type { Batch } from "./functions/batches.ts";
import { splitText } from "./functions/split.ts";
import { bufferOf, storable } from "./texts.ts";

/** Characters of a run of events, or of pieces of a transcript: one document. */
const RUN = 200_000;
/** Bytes of a document of a blob; smaller pieces of blobs stand beside their place. */
const BYTES = 512 * 1024;
const INLINE = 8 * 1024;

/** A session as one text. */
export function keyText({ tenant, sessionId }: SessionKey): string {
  return JSON.stringify([tenant, sessionId]);
}

/** A batch as the deployment's functions take it. */
export function wireBatch(batch: EncodedBatch, fence: number | undefined): Batch {
  return {
    key: keyText(batch),
    expectedSeq: batch.expectedSeq,
    lastSeq: batch.lastSeq,
    fence: fence ?? null,
    version: PROTOCOL_VERSION,
    events: runsOf(batch.events.map((event) => ({ seq: event.seq, text: eventJson(event) }))).map((run) => ({
      last: run[run.length - 1]?.seq ?? 0,
      count: run.length,
      run: splitText(`[${run.map(({ text }) => text).join(",")}]`),
    })),
    cursor: batch.cursor === null ? null : { generation: batch.cursor.generation, n: batch.cursor.n },
    nativeSessionId: batch.nativeSessionId === null ? null : storable(batch.nativeSessionId),
    generation: batch.generation,
    transcript: runsOf(batch.transcript.map((text) => ({ text }))).map((run) =>
      splitText(`[${run.map(({ text }) => text).join(",")}]`),
    ),
    blobs: batch.blobs.map(wireBlob),
    putFiles: batch.putFiles.map(({ pathKey, entry }) => ({ pathKey, entry })),
    deletedFiles: [...batch.deletedFiles],
    filesSeq: batch.filesSeq,
    blocks: batch.blocks.map(({ blockId, conversationId, position, block }) => ({
      blockId: storable(blockId),
      conversation: storable(conversationId),
      position,
      block: block === null ? null : splitText(block),
    })),
    messages: batch.messages.map(({ messageId, idempotencyKey, contentHash, position }) => ({
      messageId: storable(messageId),
      idempotencyKey: idempotencyKey === undefined ? null : storable(idempotencyKey),
      contentHash,
      position: position ?? null,
    })),
    ...(batch.sandbox === undefined ? {} : { sandbox: batch.sandbox }),
    snapshot: batch.snapshot === null ? null : splitText(batch.snapshot),
    droppedBlobs: [...batch.droppedBlobs],
    checkpoint: batch.checkpoint === null ? null : storable(batch.checkpoint.turnId),
    record: wireRecord(batch),
  };
}

/** Texts in order, so many together as make one document, and at least one. */
function runsOf<T extends { readonly text: string }>(texts: readonly T[]): T[][] {
  const runs: T[][] = [];
  let size = Infinity;
  for (const one of texts) {
    if (size + one.text.length > RUN) {
      runs.push([]);
      size = 0;
    }
    runs[runs.length - 1]?.push(one);
    size += one.text.length;
  }
  return runs;
}

function wireBlob({ sha256, offset, total, bytes }: EncodedBatch["blobs"][number]): Batch["blobs"][number] {
  const place = { sha256, start: offset, length: bytes.byteLength, total };
  if (bytes.byteLength <= INLINE) return { ...place, inline: bufferOf(bytes), bytes: [] };
  const pieces: ArrayBuffer[] = [];
  for (let at = 0; at < bytes.byteLength; at += BYTES) pieces.push(bufferOf(bytes.subarray(at, at + BYTES)));
  return { ...place, inline: null, bytes: pieces };
}

function wireRecord({ record, overview }: EncodedBatch): Batch["record"] {
  return {
    ...(record?.name === undefined ? {} : { name: record.name }),
    ...(record?.lastActivity === undefined
      ? {}
      : { lastActivity: record.lastActivity, active: Date.parse(record.lastActivity) }),
    ...(record?.sessionOptions === undefined ? {} : { sessionOptions: record.sessionOptions }),
    ...(record?.metadata === undefined ? {} : { metadata: record.metadata }),
    ...(overview === null ? {} : { runtime: overview.json, loaded: overview.isLoaded }),
  };
}
