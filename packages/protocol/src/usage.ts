import { z } from "zod";

const Tokens = z.number().int().nonnegative();

/** Token counts, totals of a session or of a turn. `totalTokens` is input + output + both cache counts. */
export const Usage = z.object({
  inputTokens: Tokens,
  outputTokens: Tokens,
  cacheReadTokens: Tokens,
  cacheWriteTokens: Tokens,
  thinkingTokens: Tokens,
  totalTokens: Tokens,
});
export type Usage = z.infer<typeof Usage>;

/** Answers of the model that said what they cost, as the gateway has seen them go by, and the sum. */
export const GatewayCount = z.object({ requests: Tokens, usage: Usage });
export type GatewayCount = z.infer<typeof GatewayCount>;

/**
 * What a session has used so far, as its harness counts it; `costUSD` by the harness's price list. `gateway` counts the
 * same answers once more, outside of the sandbox, and those that the harness keeps quiet about: it is not to be added.
 */
export const SessionMetadata = z.object({
  usage: Usage,
  costUSD: z.number().nonnegative(),
  model: z.string().optional(),
  gateway: GatewayCount.optional(),
});
export type SessionMetadata = z.infer<typeof SessionMetadata>;

export { NO_USAGE } from "./no-usage.ts";

/** Sum of two usages, field by field. */
export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    thinkingTokens: a.thinkingTokens + b.thinkingTokens,
    totalTokens: a.totalTokens + b.totalTokens,
  };
}
