/** Writes a batch that was checked. */
import type { Writer } from "./access.ts";
import type { Batch } from "./batches.ts";
import type { Doc } from "./documents.ts";
import { writeFiles } from "./files.ts";
import { rowsByName } from "./known.ts";
import { blockOf, findSession } from "./logs.ts";
import { dropParts, firstPart, putRest } from "./texts.ts";

type Log = Doc<"agentRuntimeLogs">;

export async function writeParts(ctx: Writer, log: Log, batch: Batch): Promise<void> {
  await writeEvents(ctx, log, batch);
  await writeTranscript(ctx, log, batch);
  await writeBlocks(ctx, log, batch);
  await writeFiles(ctx, log._id, batch);
  for (const message of batch.messages) await ctx.db.insert("agentRuntimeMessages", { log: log._id, ...message });
  await writeSnapshot(ctx, log, batch);
  await writeRecord(ctx, log, batch);
  await writeLog(ctx, log, batch);
}

async function writeEvents(ctx: Writer, { _id: log }: Log, { version, events }: Batch): Promise<void> {
  for (const { last, count, run } of events) {
    await ctx.db.insert("agentRuntimeEvents", { log, last, count, version, ...firstPart(run) });
    await putRest(ctx, { log, name: `events:${last}` }, run);
  }
}

async function writeTranscript(ctx: Writer, log: Log, { transcript }: Batch): Promise<void> {
  let n = log.transcripts;
  for (const entry of transcript) {
    n += 1;
    await ctx.db.insert("agentRuntimeTranscripts", { log: log._id, n, ...firstPart(entry) });
    await putRest(ctx, { log: log._id, name: `transcript:${n}` }, entry);
  }
}

/** A known block keeps its conversation and its position. */
async function writeBlocks(ctx: Writer, { _id: log }: Log, { blocks }: Batch): Promise<void> {
  const find = await rowsByName(
    blocks.map(({ blockId }) => blockId),
    (first, last) =>
      ctx.db
        .query("agentRuntimeBlocks")
        .withIndex("by_log", (q) => q.eq("log", log).gte("blockId", first).lte("blockId", last)),
    ({ blockId }) => blockId,
  );
  for (const { blockId, conversation, position, block } of blocks) {
    const owner = `block:${blockId}`;
    const content = { kept: block !== null, ...firstPart(block ?? []) };
    const read = find(blockId);
    const known = read === undefined ? await blockOf(ctx, log, blockId) : read;
    if (known === null) {
      await ctx.db.insert("agentRuntimeBlocks", { log, blockId, conversation, position, ...content });
    } else {
      if (known.more > 0) await dropParts(ctx, log, owner);
      await ctx.db.patch("agentRuntimeBlocks", known._id, content);
    }
    await putRest(ctx, { log, name: owner }, block ?? []);
  }
}

async function writeSnapshot(ctx: Writer, { _id: log }: Log, { snapshot }: Batch): Promise<void> {
  if (snapshot === null) return;
  await dropParts(ctx, log, "snapshot");
  for (const [part, text] of snapshot.entries()) {
    await ctx.db.insert("agentRuntimeTexts", { log, owner: "snapshot", part, text });
  }
}

async function writeRecord(ctx: Writer, log: Log, { record }: Batch): Promise<void> {
  if (Object.keys(record).length === 0) return;
  const session = await findSession(ctx, log);
  if (session !== null) await ctx.db.patch("agentRuntimeSessions", session._id, record);
}

async function writeLog(ctx: Writer, log: Log, batch: Batch): Promise<void> {
  const sandbox = batch.sandbox === undefined ? log.sandbox : batch.sandbox;
  const loaded = batch.record.loaded ?? log.loaded;
  const held = loaded || sandbox !== null;
  await ctx.db.patch("agentRuntimeLogs", log._id, {
    lastSeq: batch.lastSeq,
    cursor: batch.cursor ?? log.cursor,
    nativeSessionId: batch.nativeSessionId ?? log.nativeSessionId,
    generation: Math.max(log.generation, batch.generation),
    transcripts: log.transcripts + batch.transcript.length,
    sandbox,
    loaded,
    held,
    wanted: held || log.asked,
    ...(batch.snapshot === null ? {} : { snapshot: { version: batch.version, parts: batch.snapshot.length } }),
  });
}
