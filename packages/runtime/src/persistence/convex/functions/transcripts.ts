/** Texts that were given to `saveTranscript`: any length, put down part by part before they count. */
import { v } from "convex/values";
import { mutation, query } from "./access.ts";
import type { Refusal } from "./batches.ts";
import { Budget, findLog } from "./logs.ts";

/** Parts of a text that is being put down under a name of its own. */
export const put = mutation(
  { key: v.string(), owner: v.string(), first: v.number(), parts: v.array(v.string()) },
  async (ctx, { key, owner, first, parts }): Promise<Refusal | null> => {
    const log = await findLog(ctx, key);
    if (log === null) return { kind: "no_session" };
    for (const [index, text] of parts.entries()) {
      await ctx.db.insert("agentRuntimeTexts", { log: log._id, owner, part: first + index, text });
    }
    return null;
  },
);

/** The text counts from now on. */
export const keep = mutation(
  { key: v.string(), owner: v.string(), parts: v.number() },
  async (ctx, { key, owner, parts }): Promise<Refusal | null> => {
    const log = await findLog(ctx, key);
    if (log === null) return { kind: "no_session" };
    await ctx.db.patch("agentRuntimeLogs", log._id, { raw: { owner, parts, seq: log.lastSeq } });
    return null;
  },
);

/** Removes texts that were put down before the one that counts, or never did. Answers whether there is more. */
export const clean = mutation({ key: v.string() }, async (ctx, { key }) => {
  const log = await findLog(ctx, key);
  if (log === null || log.raw === null) return false;
  const { owner } = log.raw;
  const texts = () => ctx.db.query("agentRuntimeTexts");
  const before = texts().withIndex("by_log", (q) => q.eq("log", log._id).gte("owner", "raw:").lt("owner", owner));
  const after = texts().withIndex("by_log", (q) => q.eq("log", log._id).gt("owner", owner).lt("owner", "raw;"));
  const budget = new Budget();
  for (const rows of [before, after]) {
    for await (const row of rows) {
      budget.spend(row);
      await ctx.db.delete("agentRuntimeTexts", row._id);
      if (budget.spent) return true;
    }
  }
  return false;
});

/** Parts of the text that counts, from `first` on. */
export const read = query({ key: v.string(), first: v.number() }, async (ctx, { key, first }) => {
  const log = await findLog(ctx, key);
  const raw = log?.raw ?? null;
  if (log === null || raw === null) return null;
  const found: string[] = [];
  const budget = new Budget();
  const rows = ctx.db
    .query("agentRuntimeTexts")
    .withIndex("by_log", (q) => q.eq("log", log._id).eq("owner", raw.owner).gte("part", first));
  for await (const row of rows) {
    budget.spend(row);
    found.push(row.text);
    if (budget.spent) break;
  }
  return { ...raw, found };
});
