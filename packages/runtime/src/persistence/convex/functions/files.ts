/** A workspace's files, their earlier versions, and their bytes. */
import { v } from "convex/values";
import { query, type Reader, type Writer } from "./access.ts";
import type { Batch } from "./batches.ts";
import type { Doc, Id } from "./documents.ts";
import { rowsByName } from "./known.ts";
import { Budget, findLog } from "./logs.ts";

type LogId = Id<"agentRuntimeLogs">;

type File = Doc<"agentRuntimeFiles">;

export async function writeFiles(ctx: Writer, log: LogId, batch: Batch): Promise<void> {
  await writePaths(ctx, log, batch);
  for (const sha256 of batch.droppedBlobs) await dropBlob(ctx, log, sha256);
  for (const blob of batch.blobs) await putBlob(ctx, log, blob);
  if (batch.checkpoint !== null) {
    await ctx.db.insert("agentRuntimeCheckpoints", { log, seq: batch.lastSeq, turnId: batch.checkpoint });
  }
}

/** A path that is put and deleted at once is put. */
async function writePaths(ctx: Writer, log: LogId, { putFiles, deletedFiles, filesSeq }: Batch): Promise<void> {
  const changes = new Map<string, string | null>(deletedFiles.map((pathKey) => [pathKey, null]));
  for (const { pathKey, entry } of putFiles) changes.set(pathKey, entry);
  const find = await rowsByName(
    [...changes.keys()],
    (first, last) =>
      ctx.db
        .query("agentRuntimeFiles")
        .withIndex("by_current", (q) =>
          q.eq("log", log).eq("current", true).gte("pathKey", first).lte("pathKey", last),
        ),
    ({ pathKey }) => pathKey,
  );
  for (const [pathKey, entry] of changes) {
    const read = find(pathKey);
    const known = read === undefined ? await currentFile(ctx, log, pathKey) : read;
    await putVersion(ctx, { log, pathKey, seq: filesSeq, entry }, known);
  }
}

async function currentFile(ctx: Reader, log: LogId, pathKey: string): Promise<File | null> {
  return await ctx.db
    .query("agentRuntimeFiles")
    .withIndex("by_current", (q) => q.eq("log", log).eq("current", true).eq("pathKey", pathKey))
    .unique();
}

/** The path is so from now on. Of two versions with one seq the later written one counts. */
async function putVersion(
  ctx: Writer,
  version: Pick<File, "log" | "pathKey" | "seq" | "entry">,
  known: File | null,
): Promise<void> {
  const { entry, seq } = version;
  const current = entry !== null;
  if (known?.seq === seq) return await ctx.db.patch("agentRuntimeFiles", known._id, { entry, current });
  if (known !== null) await ctx.db.patch("agentRuntimeFiles", known._id, { current: false });
  if (known !== null || current) await ctx.db.insert("agentRuntimeFiles", { ...version, current });
}

async function putBlob(ctx: Writer, log: LogId, { bytes, ...place }: Batch["blobs"][number]): Promise<void> {
  const known = await ctx.db
    .query("agentRuntimeBlobs")
    .withIndex("by_log", (q) => q.eq("log", log).eq("sha256", place.sha256).eq("start", place.start))
    .unique();
  if (known !== null) return;
  const kept: Id<"agentRuntimeBytes">[] = [];
  for (const piece of bytes) kept.push(await ctx.db.insert("agentRuntimeBytes", { log, bytes: piece }));
  await ctx.db.insert("agentRuntimeBlobs", { log, ...place, bytes: kept });
}

/** The bytes may be more than one transaction can remove: they are no blob's any more, and are removed piece by piece. */
async function dropBlob(ctx: Writer, log: LogId, sha256: string): Promise<void> {
  const pieces = await ctx.db
    .query("agentRuntimeBlobs")
    .withIndex("by_log", (q) => q.eq("log", log).eq("sha256", sha256))
    .collect();
  for (const { _id, bytes } of pieces) {
    await ctx.db.delete("agentRuntimeBlobs", _id);
    await ctx.db.insert("agentRuntimeRemovals", { log, bytes });
  }
}

/** Entries of the files by path, those after `after`. */
export const files = query({ key: v.string(), after: v.string() }, async (ctx, { key, after }) => {
  const log = await findLog(ctx, key);
  const found: { pathKey: string; entry: string }[] = [];
  if (log === null) return { found, more: false };
  const budget = new Budget();
  const rest = ctx.db
    .query("agentRuntimeFiles")
    .withIndex("by_current", (q) => q.eq("log", log._id).eq("current", true).gt("pathKey", after));
  for await (const file of rest) {
    budget.spend(file);
    found.push({ pathKey: file.pathKey, entry: file.entry ?? "null" });
    if (budget.spent) return { found, more: true };
  }
  return { found, more: false };
});

/** What each path was as of a seq: its versions in order, so the last one of each counts. `next`: there is more after it. */
export const versions = query(
  { key: v.string(), seq: v.number(), after: v.object({ pathKey: v.string(), seq: v.number() }) },
  async (ctx, { key, seq, after }) => {
    const log = await findLog(ctx, key);
    const found: { pathKey: string; entry: string | null }[] = [];
    if (log === null) return { found, next: null };
    const budget = new Budget();
    const ofPath = ctx.db
      .query("agentRuntimeFiles")
      .withIndex("by_log", (q) => q.eq("log", log._id).eq("pathKey", after.pathKey).gt("seq", after.seq));
    const ofLater = ctx.db
      .query("agentRuntimeFiles")
      .withIndex("by_log", (q) => q.eq("log", log._id).gt("pathKey", after.pathKey));
    for (const rows of [ofPath, ofLater]) {
      for await (const row of rows) {
        budget.spend(row);
        if (row.seq <= seq) found.push({ pathKey: row.pathKey, entry: row.entry });
        if (budget.spent) return { found, next: { pathKey: row.pathKey, seq: row.seq } };
      }
    }
    return { found, next: null };
  },
);

export const checkpoints = query(
  { key: v.string(), before: v.union(v.number(), v.null()), limit: v.number() },
  async (ctx, { key, before, limit }) => {
    const log = await findLog(ctx, key);
    if (log === null) return [];
    const all = ctx.db.query("agentRuntimeCheckpoints");
    const rows = await all
      .withIndex("by_log", (q) => (before === null ? q.eq("log", log._id) : q.eq("log", log._id).lt("seq", before)))
      .order("desc")
      .take(limit);
    return rows.map(({ seq, turnId }) => ({ seq, turnId }));
  },
);

interface Piece {
  readonly start: number;
  readonly length: number;
  readonly total: number;
  readonly inline: ArrayBuffer | null;
  readonly bytes: Id<"agentRuntimeBytes">[];
}

/** Where the pieces of a blob lie, from `from` on, with their bytes where these are few. */
export const pieces = query(
  { key: v.string(), sha256: v.string(), from: v.number() },
  async (ctx, { key, sha256, from }) => {
    const log = await findLog(ctx, key);
    const found: Piece[] = [];
    if (log === null) return { found, more: false };
    const budget = new Budget();
    const rest = ctx.db
      .query("agentRuntimeBlobs")
      .withIndex("by_log", (q) => q.eq("log", log._id).eq("sha256", sha256).gte("start", from));
    for await (const piece of rest) {
      budget.spend(piece);
      const { start, length, total, inline, bytes: ids } = piece;
      found.push({ start, length, total, inline, bytes: ids });
      if (budget.spent) return { found, more: true };
    }
    return { found, more: false };
  },
);

/** Bytes of one document; null: it is gone, or another session's. */
export const bytes = query(
  { key: v.string(), id: v.id("agentRuntimeBytes") },
  async (ctx, { key, id }): Promise<ArrayBuffer | null> => {
    const log = await findLog(ctx, key);
    const found = log === null ? null : await ctx.db.get("agentRuntimeBytes", id);
    return found !== null && found.log === log?._id ? found.bytes : null;
  },
);
