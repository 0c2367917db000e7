/** Removes sessions: at once for everybody, document by document afterwards. */
import { v } from "convex/values";
import { mutation, query, type Writer } from "./access.ts";
import type { Id } from "./documents.ts";
import { Budget, findLog, findSession } from "./logs.ts";

/** What a removal deletes at most in one transaction. */
const PIECE = 2_000;

/** Tables whose documents belong to a log, with the index that begins with it. */
const TABLES = [
  "agentRuntimeEvents",
  "agentRuntimeTexts",
  "agentRuntimeBlocks",
  "agentRuntimeFiles",
  "agentRuntimeCheckpoints",
  "agentRuntimeBlobs",
  "agentRuntimeBytes",
  "agentRuntimeTranscripts",
  "agentRuntimeMessages",
  "agentRuntimeCommands",
] as const;

/** From here on the session is not there. Answers with what is left to do; null: there was none. */
export const remove = mutation({ key: v.string() }, async (ctx, { key }) => {
  const log = await findLog(ctx, key);
  if (log === null) return null;
  const session = await findSession(ctx, log);
  if (session !== null) await ctx.db.delete("agentRuntimeSessions", session._id);
  // Commands are asked for by their id, not by their session: they go with it.
  const commands = await ctx.db
    .query("agentRuntimeCommands")
    .withIndex("by_log", (q) => q.eq("log", log._id))
    .take(PIECE);
  for (const { _id } of commands) await ctx.db.delete("agentRuntimeCommands", _id);
  await ctx.db.delete("agentRuntimeLogs", log._id);
  return await ctx.db.insert("agentRuntimeRemovals", { log: log._id, bytes: null });
});

/** Removals that are not done. */
export const pending = query({}, async (ctx) => {
  const begun = await ctx.db.query("agentRuntimeRemovals").take(100);
  return begun.map(({ _id }) => _id);
});

/** One piece of a removal. Answers whether there is more. */
export const sweep = mutation({ removal: v.id("agentRuntimeRemovals") }, async (ctx, { removal }) => {
  const begun = await ctx.db.get("agentRuntimeRemovals", removal);
  if (begun === null) return false;
  const budget = new Budget();
  const left =
    begun.bytes === null ? await sweepLog(ctx, begun.log, budget) : await sweepBytes(ctx, begun.bytes, budget);
  if (left === null) await ctx.db.delete("agentRuntimeRemovals", removal);
  else if (left.length > 0) await ctx.db.patch("agentRuntimeRemovals", removal, { bytes: left });
  return left !== null;
});

/** null: nothing is left. */
async function sweepLog(ctx: Writer, log: Id<"agentRuntimeLogs">, budget: Budget): Promise<[] | null> {
  let deleted = 0;
  for (const table of TABLES) {
    const rows = ctx.db.query(table).withIndex("by_log", (q) => q.eq("log", log));
    for await (const row of rows) {
      budget.spend(row);
      await ctx.db.delete(table, row._id);
      deleted += 1;
      if (deleted >= PIECE || budget.spent) return [];
    }
  }
  return null;
}

/** What is left of them, or null. */
async function sweepBytes(
  ctx: Writer,
  bytes: readonly Id<"agentRuntimeBytes">[],
  budget: Budget,
): Promise<Id<"agentRuntimeBytes">[] | null> {
  for (const [index, id] of bytes.entries()) {
    const row = await ctx.db.get("agentRuntimeBytes", id);
    if (row === null) continue;
    budget.spend(row);
    await ctx.db.delete("agentRuntimeBytes", id);
    if (budget.spent) return bytes.slice(index + 1);
  }
  return null;
}
