/** Servers that share the deployment, and which of them runs which session. Times are by Convex's clock. */
import { v } from "convex/values";
import { mutation, query, type Reader, type Writer } from "./access.ts";
import { livingCommands } from "./commands.ts";
import type { Doc } from "./documents.ts";
import { Budget, findLog } from "./logs.ts";

/** How long a node that does not live any more is remembered at least, and how many of its leases one call frees. */
const FORGET_MS = 60_000;
const FREED = 100;

async function nodeOf(ctx: Reader, nodeId: string): Promise<Doc<"agentRuntimeNodes"> | null> {
  return await ctx.db
    .query("agentRuntimeNodes")
    .withIndex("by_node", (q) => q.eq("nodeId", nodeId))
    .unique();
}

async function lives(ctx: Reader, nodeId: string): Promise<boolean> {
  return ((await nodeOf(ctx, nodeId))?.until ?? 0) > Date.now();
}

/** The node that has the lease and lives, or null. */
async function livingHolder(ctx: Reader, log: Doc<"agentRuntimeLogs">): Promise<string | null> {
  return log.node !== null && (await lives(ctx, log.node)) ? log.node : null;
}

/** Says that the node lives. Answers with who does. */
export const heartbeat = mutation(
  { nodeId: v.string(), record: v.string(), ttlMs: v.number() },
  async (ctx, { nodeId, record, ttlMs }) => {
    const now = Date.now();
    const known = await nodeOf(ctx, nodeId);
    const lapsed = known === null || known.until <= now;
    const until = now + ttlMs;
    if (known === null) await ctx.db.insert("agentRuntimeNodes", { nodeId, record, until });
    else await ctx.db.patch("agentRuntimeNodes", known._id, { record, until });
    const nodes: string[] = [];
    for (const node of await ctx.db.query("agentRuntimeNodes").take(1_000)) {
      if (node.until > now) nodes.push(node.record);
      else if (node.until <= now - FORGET_MS) await forgetNode(ctx, node);
    }
    return { lapsed, nodes };
  },
);

/** Frees what it had, and forgets it when it has nothing. */
async function forgetNode(ctx: Writer, node: Doc<"agentRuntimeNodes">): Promise<void> {
  const leases = await ctx.db
    .query("agentRuntimeLogs")
    .withIndex("by_node", (q) => q.eq("node", node.nodeId))
    .take(FREED);
  for (const { _id } of leases) await ctx.db.patch("agentRuntimeLogs", _id, { node: null });
  if (leases.length < FREED) await ctx.db.delete("agentRuntimeNodes", node._id);
}

/** The node is no more. */
export const leave = mutation({ nodeId: v.string() }, async (ctx, { nodeId }) => {
  const node = await nodeOf(ctx, nodeId);
  if (node === null) return null;
  const leases = await ctx.db
    .query("agentRuntimeLogs")
    .withIndex("by_node", (q) => q.eq("node", nodeId))
    .take(FREED);
  for (const { _id } of leases) await ctx.db.patch("agentRuntimeLogs", _id, { node: null });
  if (leases.length < FREED) await ctx.db.delete("agentRuntimeNodes", node._id);
  // Those that are left are free as well: nobody holds a lease who does not live.
  else await ctx.db.patch("agentRuntimeNodes", node._id, { until: 0 });
  return null;
});

type Lease = { readonly nodeId: string; readonly fence: number };

/** null: no such session; `dead`: the node does not live. */
export const claim = mutation(
  { key: v.string(), nodeId: v.string() },
  async (ctx, { key, nodeId }): Promise<Lease | "dead" | null> => {
    const log = await findLog(ctx, key);
    if (log === null) return null;
    if (!(await lives(ctx, nodeId))) return "dead";
    const holder = await livingHolder(ctx, log);
    if (holder !== null) return { nodeId: holder, fence: log.fence };
    const fence = log.fence + 1;
    await ctx.db.patch("agentRuntimeLogs", log._id, { node: nodeId, fence });
    return { nodeId, fence };
  },
);

/** A mutation, though it changes nothing: the answer of a query may have been kept from before. */
export const lease = mutation({ key: v.string() }, async (ctx, { key }): Promise<Lease | null> => {
  const log = await findLog(ctx, key);
  const nodeId = log === null ? null : await livingHolder(ctx, log);
  return log === null || nodeId === null ? null : { nodeId, fence: log.fence };
});

export const release = mutation(
  { key: v.string(), nodeId: v.string(), fence: v.number() },
  async (ctx, { key, nodeId, fence }) => {
    const log = await findLog(ctx, key);
    if (log?.node === nodeId && log.fence === fence)
      await ctx.db.patch("agentRuntimeLogs", log._id, { node: null, fence: fence + 1 });
    return null;
  },
);

/** Every lease of a node, those after the key `after`. */
export const leases = query({ nodeId: v.string(), after: v.string() }, async (ctx, { nodeId, after }) => {
  const found: { key: string; tenant: string; sessionId: string; fence: number }[] = [];
  const budget = new Budget();
  const rest = ctx.db.query("agentRuntimeLogs").withIndex("by_node", (q) => q.eq("node", nodeId).gt("key", after));
  for await (const { key, tenant, sessionId, fence, ...log } of rest) {
    budget.spend({ key, ...log });
    found.push({ key, tenant, sessionId, fence });
    if (budget.spent) return { found, more: true };
  }
  return { found, more: false };
});

/** Sessions that are wanted and that nobody living holds. A mutation for the same reason as `lease`. */
export const abandoned = mutation({ limit: v.number() }, async (ctx, { limit }) => {
  const now = Date.now();
  const dead = (await ctx.db.query("agentRuntimeNodes").take(1_000)).filter(({ until }) => until <= now);
  const found: { tenant: string; sessionId: string; sandbox: string | null }[] = [];
  for (const holder of [null, ...dead.map(({ nodeId }) => nodeId)]) {
    const logs = await ctx.db
      .query("agentRuntimeLogs")
      .withIndex("by_wanted", (q) => q.eq("wanted", true).eq("node", holder))
      .take(limit - found.length);
    for (const { _id, held, tenant, sessionId, sandbox } of logs) {
      const wanted = held || (await livingCommands(ctx, _id, 100)).length > 0;
      if (wanted) found.push({ tenant, sessionId, sandbox });
    }
    if (found.length >= limit) break;
  }
  return found;
});
