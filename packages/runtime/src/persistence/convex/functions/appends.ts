/** Writes to a session's log. A mutation is one transaction, and no two see each other's half. */
import { v } from "convex/values";
import { mutation, type Writer } from "./access.ts";
import { batches, batchFields, type Batch, type Refusal } from "./batches.ts";
import type { Doc, Id } from "./documents.ts";
import { rowsByName } from "./known.ts";
import { findLog } from "./logs.ts";
import { writeParts } from "./parts.ts";
import { recordFields } from "./schema.ts";

/** A new session with its log's first events. */
export const create = mutation(
  {
    tenant: v.string(),
    sessionId: v.string(),
    logId: v.string(),
    record: v.object(recordFields),
    first: v.object(batchFields),
  },
  async (ctx, { tenant, sessionId, logId, record, first }): Promise<Refusal | null> => {
    if ((await findLog(ctx, first.key)) !== null) return { kind: "exists" };
    const log = await ctx.db.insert("agentRuntimeLogs", {
      key: first.key,
      tenant,
      sessionId,
      logId,
      lastSeq: 0,
      compactedTo: 0,
      cursor: null,
      nativeSessionId: null,
      generation: 0,
      transcripts: 0,
      sandbox: null,
      loaded: false,
      held: false,
      snapshot: null,
      raw: null,
      node: null,
      fence: 0,
      asked: false,
      wanted: false,
    });
    await ctx.db.insert("agentRuntimeSessions", { log, tenant, sessionId, loaded: false, ...record });
    const created = await ctx.db.get("agentRuntimeLogs", log);
    if (created !== null) await writeParts(ctx, created, first);
    return null;
  },
);

/** Batches in order; each is written whole, or refused and leaves nothing. */
export const append = mutation({ batches }, async (ctx, args): Promise<(Refusal | null)[]> => {
  const outcomes: (Refusal | null)[] = [];
  for (const batch of args.batches) {
    const log = await findLog(ctx, batch.key);
    const refusal = log === null ? { kind: "no_session" as const } : await refusalOf(ctx, log, batch);
    if (log !== null && refusal === null) await writeParts(ctx, log, batch);
    outcomes.push(refusal);
  }
  return outcomes;
});

async function refusalOf(ctx: Writer, log: Doc<"agentRuntimeLogs">, batch: Batch): Promise<Refusal | null> {
  if (batch.fence !== null && batch.fence !== log.fence) return { kind: "stale_fence", fence: log.fence };
  if (batch.expectedSeq !== log.lastSeq) return { kind: "wrong_seq", lastSeq: log.lastSeq };
  if (batch.cursor !== null && log.cursor !== null && !isBeyond(batch.cursor, log.cursor)) {
    return { kind: "taken_before" };
  }
  const messageId = await knownMessage(ctx, log._id, batch.messages);
  return messageId === null ? null : { kind: "known_message", messageId };
}

type Cursor = NonNullable<Batch["cursor"]>;

function isBeyond(cursor: Cursor, stored: Cursor): boolean {
  return cursor.generation > stored.generation || (cursor.generation === stored.generation && cursor.n > stored.n);
}

/** The first message of which the session has the id or the key already, or null. */
async function knownMessage(
  ctx: Writer,
  log: Id<"agentRuntimeLogs">,
  messages: Batch["messages"],
): Promise<string | null> {
  const query = () => ctx.db.query("agentRuntimeMessages");
  const byId = await rowsByName(
    messages.map(({ messageId }) => messageId),
    (first, last) =>
      query().withIndex("by_log", (q) => q.eq("log", log).gte("messageId", first).lte("messageId", last)),
    ({ messageId }) => messageId,
  );
  const byKey = await rowsByName(
    messages.flatMap(({ idempotencyKey }) => idempotencyKey ?? []),
    (first, last) =>
      query().withIndex("by_idempotency_key", (q) =>
        q.eq("log", log).gte("idempotencyKey", first).lte("idempotencyKey", last),
      ),
    ({ idempotencyKey }) => idempotencyKey ?? "",
  );
  for (const { messageId, idempotencyKey: key } of messages) {
    const same = byId(messageId) ?? (byId(messageId) === undefined ? await withId(ctx, log, messageId) : null);
    if (same !== null) return messageId;
    if (key === null) continue;
    const again = byKey(key) ?? (byKey(key) === undefined ? await withKey(ctx, log, key) : null);
    if (again !== null) return messageId;
  }
  return null;
}

async function withId(ctx: Writer, log: Id<"agentRuntimeLogs">, messageId: string) {
  return await ctx.db
    .query("agentRuntimeMessages")
    .withIndex("by_log", (q) => q.eq("log", log).eq("messageId", messageId))
    .first();
}

async function withKey(ctx: Writer, log: Id<"agentRuntimeLogs">, key: string) {
  return await ctx.db
    .query("agentRuntimeMessages")
    .withIndex("by_idempotency_key", (q) => q.eq("log", log).eq("idempotencyKey", key))
    .first();
}
