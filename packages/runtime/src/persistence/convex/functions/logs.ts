/** Finding a session's log, and reading no more of anything than one call may. */
import type { Doc, Id } from "./documents.ts";
import type { Reader } from "./access.ts";

/** What one call reads at most, counted in characters and bytes: far below the 16 MiB that Convex allows. */
export const READ_BUDGET = 4_000_000;
/** Documents that one call reads at most; Convex allows 32,000, and arrays of 8,192. */
export const DOCUMENT_BUDGET = 2_000;

export async function findLog(ctx: Reader, key: string): Promise<Doc<"agentRuntimeLogs"> | null> {
  return await ctx.db
    .query("agentRuntimeLogs")
    .withIndex("by_key", (q) => q.eq("key", key))
    .unique();
}

/** Its record. */
export async function findSession(
  ctx: Reader,
  log: Doc<"agentRuntimeLogs">,
): Promise<Doc<"agentRuntimeSessions"> | null> {
  return await ctx.db
    .query("agentRuntimeSessions")
    .withIndex("by_log", (q) => q.eq("log", log._id))
    .unique();
}

export async function blockOf(
  ctx: Reader,
  log: Id<"agentRuntimeLogs">,
  blockId: string,
): Promise<Doc<"agentRuntimeBlocks"> | null> {
  return await ctx.db
    .query("agentRuntimeBlocks")
    .withIndex("by_log", (q) => q.eq("log", log).eq("blockId", blockId))
    .unique();
}

/** Counts what a call has read. */
export class Budget {
  #size = 0;
  #documents = 0;

  /** Takes what was just read into account. */
  spend(document: Record<string, unknown>, parts: readonly string[] = []): void {
    this.#documents += Math.max(1, parts.length);
    for (const value of [...Object.values(document), ...parts.slice(1)]) {
      if (typeof value === "string") this.#size += value.length;
      else if (value instanceof ArrayBuffer) this.#size += value.byteLength;
    }
  }

  /** The call has to end here, and another one goes on. */
  get spent(): boolean {
    return this.#size >= READ_BUDGET || this.#documents >= DOCUMENT_BUDGET;
  }
}
