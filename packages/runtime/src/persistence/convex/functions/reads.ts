/** What is read of a session. Pages end early where they would be more than a call may read; `more` says so. */
import { v } from "convex/values";
import { query } from "./access.ts";
import type { Doc } from "./documents.ts";
import { blockOf, Budget, findLog, findSession } from "./logs.ts";
import { readParts } from "./texts.ts";

const maybeNumber = v.union(v.number(), v.null());

export const head = query({ key: v.string() }, async (ctx, { key }) => {
  const log = await findLog(ctx, key);
  if (log === null) return null;
  const session = await findSession(ctx, log);
  if (session === null) return null;
  const parts = ctx.db
    .query("agentRuntimeTexts")
    .withIndex("by_log", (q) => q.eq("log", log._id).eq("owner", "snapshot"));
  const snapshot: string[] = [];
  for await (const { text } of parts) snapshot.push(text);
  return {
    record: recordOf(session),
    logId: log.logId,
    lastSeq: log.lastSeq,
    compactedTo: log.compactedTo,
    snapshot: log.snapshot === null ? null : { version: log.snapshot.version, state: snapshot },
    cursor: log.cursor,
    sandbox: log.sandbox,
    nativeSessionId: log.nativeSessionId,
    generation: log.generation,
  };
});

export type StoredRecord = ReturnType<typeof recordOf>;

/** A session's record as it is stored. */
export function recordOf(session: Doc<"agentRuntimeSessions">) {
  const { sessionId, type, profile, name, createdAt, lastActivity, sessionOptions, metadata, runtime } = session;
  return { sessionId, type, profile, name, createdAt, lastActivity, sessionOptions, metadata, runtime };
}

/** The last seq; null: no such session. */
export const tails = query({ keys: v.array(v.string()) }, async (ctx, { keys }) => {
  const tails: (number | null)[] = [];
  for (const key of keys) tails.push((await findLog(ctx, key))?.lastSeq ?? null);
  return tails;
});

/** Runs that hold the events after a seq, so many that they are `limit` events, or more. `next`: the seq to go on after. */
export const events = query(
  { key: v.string(), after: v.number(), limit: v.number() },
  async (ctx, { key, after, limit }) => {
    const log = await findLog(ctx, key);
    const runs: string[][] = [];
    if (log === null || limit <= 0) return { runs, next: null };
    const budget = new Budget();
    let count = 0;
    const rest = ctx.db.query("agentRuntimeEvents").withIndex("by_log", (q) => q.eq("log", log._id).gt("last", after));
    for await (const row of rest) {
      const run = await readParts(ctx, { log: log._id, name: `events:${row.last}` }, row);
      budget.spend(row, run);
      runs.push(run);
      count += row.count;
      if (count >= limit || budget.spent) return { runs, next: row.last };
    }
    return { runs, next: null };
  },
);

/** The last blocks before a place, the newest first. */
export const blocks = query(
  { key: v.string(), conversation: v.string(), before: maybeNumber, limit: v.number() },
  async (ctx, { key, conversation, before, limit }) => {
    const log = await findLog(ctx, key);
    const found: { position: number; block: string[] }[] = [];
    if (log === null || limit <= 0) return { found, more: false };
    const budget = new Budget();
    const rest = ctx.db
      .query("agentRuntimeBlocks")
      .withIndex("by_position", (q) => {
        const kept = q.eq("log", log._id).eq("conversation", conversation).eq("kept", true);
        return before === null ? kept : kept.lt("position", before);
      })
      .order("desc");
    for await (const row of rest) {
      const block = await readParts(ctx, { log: log._id, name: `block:${row.blockId}` }, row);
      budget.spend(row, block);
      found.push({ position: row.position, block });
      if (found.length >= limit) return { found, more: false };
      if (budget.spent) return { found, more: true };
    }
    return { found, more: false };
  },
);

/** One block and its place; `block` is null where it was taken back. `session`: whether there is such a session. */
export const block = query({ key: v.string(), blockId: v.string() }, async (ctx, { key, blockId }) => {
  const log = await findLog(ctx, key);
  if (log === null) return { session: false, found: null };
  const row = await blockOf(ctx, log._id, blockId);
  if (row === null) return { session: true, found: null };
  const parts = row.kept ? await readParts(ctx, { log: log._id, name: `block:${blockId}` }, row) : null;
  return { session: true, found: { block: parts, position: row.position, conversation: row.conversation } };
});

/** Runs of the transcript after a run. `next`: the run to go on after. */
export const transcript = query({ key: v.string(), after: v.number() }, async (ctx, { key, after }) => {
  const log = await findLog(ctx, key);
  const runs: string[][] = [];
  if (log === null) return { runs, next: null };
  const budget = new Budget();
  const rest = ctx.db.query("agentRuntimeTranscripts").withIndex("by_log", (q) => q.eq("log", log._id).gt("n", after));
  for await (const row of rest) {
    const run = await readParts(ctx, { log: log._id, name: `transcript:${row.n}` }, row);
    budget.spend(row, run);
    runs.push(run);
    if (budget.spent) return { runs, next: row.n };
  }
  return { runs, next: null };
});

export const message = query(
  { key: v.string(), messageId: v.optional(v.string()), idempotencyKey: v.optional(v.string()) },
  async (ctx, { key, messageId, idempotencyKey }) => {
    const log = await findLog(ctx, key);
    if (log === null) return null;
    const found =
      (messageId === undefined
        ? null
        : await ctx.db
            .query("agentRuntimeMessages")
            .withIndex("by_log", (q) => q.eq("log", log._id).eq("messageId", messageId))
            .first()) ??
      (idempotencyKey === undefined
        ? null
        : await ctx.db
            .query("agentRuntimeMessages")
            .withIndex("by_idempotency_key", (q) => q.eq("log", log._id).eq("idempotencyKey", idempotencyKey))
            .first());
    if (found === null) return null;
    const { contentHash, position } = found;
    return { messageId: found.messageId, idempotencyKey: found.idempotencyKey, contentHash, position };
  },
);
