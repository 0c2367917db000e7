import { z } from "zod";

/** How hard the model is to think. */
export const Effort = z.enum(["low", "medium", "high", "xhigh", "max"]);
export type Effort = z.infer<typeof Effort>;

/** Bounds of each turn; the first that is reached ends it as failed with `turn_limit`, and the session goes on. */
export const TurnLimits = z.strictObject({
  /** Answers of the model, those of subagents not counted. */
  maxSteps: z.number().int().positive().max(10_000).optional(),
  /** Milliseconds, at most a day. */
  maxDurationMs: z.number().int().positive().max(86_400_000).optional(),
  /** By the harness's account, which is looked at when tools have run: the last answer may go beyond it. */
  maxCostUSD: z.number().positive().optional(),
});
export type TurnLimits = z.infer<typeof TurnLimits>;
