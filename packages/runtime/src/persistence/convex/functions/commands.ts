/** What clients asked of nodes that do not run the session, and what came of it. */
import { v } from "convex/values";
import { mutation, query, type Reader, type Writer } from "./access.ts";
import type { Refusal } from "./batches.ts";
import type { Doc, Id } from "./documents.ts";
import { Budget, findLog } from "./logs.ts";
import { dropParts, firstPart, putRest, readParts } from "./texts.ts";

/** How long an answer can be fetched, and how many are dropped by one call. */
const ANSWER_MS = 60_000;
const DROPPED = 200;
/** Sessions that one call looks at. */
const LOGS = 500;

const parts = v.array(v.string());

async function commandOf(ctx: Reader, id: string): Promise<Doc<"agentRuntimeCommands"> | null> {
  return await ctx.db
    .query("agentRuntimeCommands")
    .withIndex("by_command", (q) => q.eq("commandId", id))
    .unique();
}

async function answerOf(ctx: Reader, id: string) {
  return await ctx.db
    .query("agentRuntimeAnswers")
    .withIndex("by_command", (q) => q.eq("commandId", id))
    .collect();
}

/** Keeps a command. The same id again changes nothing. */
export const send = mutation(
  { key: v.string(), id: v.string(), command: parts, validMs: v.union(v.number(), v.null()) },
  async (ctx, { key, id, command, validMs }): Promise<Refusal | null> => {
    const log = await findLog(ctx, key);
    if (log === null) return { kind: "no_session" };
    await dropAnswers(ctx);
    if ((await commandOf(ctx, id)) !== null || (await answerOf(ctx, id)).length > 0) return null;
    const until = validMs === null ? null : Date.now() + validMs;
    await ctx.db.insert("agentRuntimeCommands", { log: log._id, commandId: id, until, ...firstPart(command) });
    await putRest(ctx, { log: log._id, name: `command:${id}` }, command);
    if (!log.asked) await ctx.db.patch("agentRuntimeLogs", log._id, { asked: true, wanted: true });
    return null;
  },
);

async function dropAnswers(ctx: Writer): Promise<void> {
  const old = await ctx.db
    .query("agentRuntimeAnswers")
    .withIndex("by_until", (q) => q.lte("until", Date.now()))
    .take(DROPPED);
  for (const { _id } of old) await ctx.db.delete("agentRuntimeAnswers", _id);
}

/** Takes a command away, and notes at its log when it was the last. */
async function drop(ctx: Writer, command: Doc<"agentRuntimeCommands">): Promise<void> {
  await ctx.db.delete("agentRuntimeCommands", command._id);
  if (command.more > 0) await dropParts(ctx, command.log, `command:${command.commandId}`);
  const log = await ctx.db.get("agentRuntimeLogs", command.log);
  if (log === null || (await nextCommand(ctx, command.log)) !== null) return;
  await ctx.db.patch("agentRuntimeLogs", log._id, { asked: false, wanted: log.held });
}

async function nextCommand(ctx: Reader, log: Id<"agentRuntimeLogs">): Promise<Doc<"agentRuntimeCommands"> | null> {
  return await ctx.db
    .query("agentRuntimeCommands")
    .withIndex("by_log", (q) => q.eq("log", log))
    .first();
}

/** Commands of a session in order; those whose time is over are dropped. */
export async function livingCommands(
  ctx: Writer,
  log: Id<"agentRuntimeLogs">,
  limit: number,
): Promise<Doc<"agentRuntimeCommands">[]> {
  const now = Date.now();
  const living: Doc<"agentRuntimeCommands">[] = [];
  const commands = await ctx.db
    .query("agentRuntimeCommands")
    .withIndex("by_log", (q) => q.eq("log", log))
    .take(limit);
  for (const command of commands) {
    if (command.until === null || command.until > now) living.push(command);
    else await drop(ctx, command);
  }
  return living;
}

/** Commands for sessions whose lease the node holds, in order. */
export const waiting = mutation({ nodeId: v.string(), limit: v.number() }, async (ctx, { nodeId, limit }) => {
  const found: { id: string; command: string[] }[] = [];
  const budget = new Budget();
  const logs = await ctx.db
    .query("agentRuntimeLogs")
    .withIndex("by_asked", (q) => q.eq("asked", true).eq("node", nodeId))
    .take(LOGS);
  for (const { _id: log } of logs) {
    for (const command of await livingCommands(ctx, log, limit)) {
      budget.spend(command);
      const text = await readParts(ctx, { log, name: `command:${command.commandId}` }, command);
      found.push({ id: command.commandId, command: text });
    }
    if (budget.spent) break;
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit);
});

/** The command waits no more. Its first answer counts. */
export const answer = mutation({ id: v.string(), answer: parts }, async (ctx, args) => {
  const command = await commandOf(ctx, args.id);
  if (command !== null) await drop(ctx, command);
  await dropAnswers(ctx);
  if ((await answerOf(ctx, args.id)).length > 0) return null;
  const until = Date.now() + ANSWER_MS;
  for (const [part, text] of args.answer.entries()) {
    const document = { commandId: args.id, part, parts: args.answer.length, text, until };
    await ctx.db.insert("agentRuntimeAnswers", document);
  }
  return null;
});

/** Answers in order; null: none yet. Ends early where it would be too much to read: the rest is to be asked for again. */
export const answers = query({ ids: v.array(v.string()) }, async (ctx, { ids }) => {
  const found: (string[] | null)[] = [];
  const budget = new Budget();
  for (const id of ids) {
    const rows = await answerOf(ctx, id);
    for (const row of rows) budget.spend(row);
    found.push(rows.length === 0 ? null : rows.map(({ text }) => text));
    if (budget.spent) break;
  }
  return found;
});

export const forget = mutation({ ids: v.array(v.string()) }, async (ctx, { ids }) => {
  for (const id of ids) {
    for (const { _id } of await answerOf(ctx, id)) await ctx.db.delete("agentRuntimeAnswers", _id);
  }
  return null;
});
