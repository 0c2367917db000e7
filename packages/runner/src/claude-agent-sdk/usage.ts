import { addUsage, NO_USAGE, type Usage } from "@hhopkins/agent-runtime-protocol";
import type { NativeMessage, NativeModelUsage } from "./native.ts";

export interface Spent {
  readonly usage: Usage;
  readonly costUSD: number;
}

export const NOTHING_SPENT: Spent = { usage: NO_USAGE, costUSD: 0 };

/**
 * What a `result` accounts for since the one before it, subagents included. (Its `usage` leaves subagents out, and
 * its `modelUsage` and `total_cost_usd` are totals of the process.)
 */
export function spentSince(result: NativeMessage): Spent {
  return Object.values(result.model_usage_since_last_result ?? {}).reduce<Spent>(
    (sum, model) => addSpent(sum, { usage: usageOf(model), costUSD: Math.max(0, model.costUSD ?? 0) }),
    NOTHING_SPENT,
  );
}

export function addSpent(a: Spent, b: Spent): Spent {
  return { usage: addUsage(a.usage, b.usage), costUSD: a.costUSD + b.costUSD };
}

export function usageOf(model: NativeModelUsage): Usage {
  const inputTokens = model.inputTokens ?? 0;
  const outputTokens = model.outputTokens ?? 0;
  const cacheReadTokens = model.cacheReadInputTokens ?? 0;
  const cacheWriteTokens = model.cacheCreationInputTokens ?? 0;
  return {
    inputTokens,
    outputTokens,
    cacheReadTokens,
    cacheWriteTokens,
    thinkingTokens: model.thinkingTokens ?? 0,
    totalTokens: inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens,
  };
}
