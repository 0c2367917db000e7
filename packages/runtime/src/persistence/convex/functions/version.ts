import { fail, query } from "./access.ts";

/** Grows with each change that an adapter of before, or a deployment of before, could not work with. */
export const FUNCTIONS_VERSION = 1;

/** What an adapter asks first: whether its secret is right, the tables are there, and the functions are its own. */
export const check = query({}, async (ctx) => {
  try {
    await ctx.db
      .query("agentRuntimeLogs")
      .withIndex("by_key", (q) => q.eq("key", ""))
      .first();
  } catch (error) {
    fail("no_tables", { reason: error instanceof Error ? error.message : String(error) });
  }
  return { version: FUNCTIONS_VERSION };
});
