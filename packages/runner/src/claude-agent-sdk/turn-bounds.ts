import type { Options } from "@anthropic-ai/claude-agent-sdk";
import type { SessionOptions, TurnError, TurnLimits } from "@hhopkins/agent-runtime-protocol";
import type { HarnessSpec } from "../architecture.ts";

/** The session's bounds before the profile's, each by itself. */
export function limitsOf(spec: HarnessSpec, options: SessionOptions): TurnLimits {
  return { ...spec.start.profile.limits, ...options.limits };
}

/** Those that the harness holds itself. Its budget is one of the process, not of a turn. */
export function boundOptions({ maxSteps, maxCostUSD }: TurnLimits): Pick<Options, "maxTurns" | "maxBudgetUsd"> {
  return {
    ...(maxSteps === undefined ? {} : { maxTurns: maxSteps }),
    ...(maxCostUSD === undefined ? {} : { maxBudgetUsd: maxCostUSD }),
  };
}

/** Calls `stop` when the turn has lasted as long as it may. Returns what calls that off. */
export function boundDuration({ maxDurationMs }: TurnLimits, stop: (failure: TurnError) => void): () => void {
  if (maxDurationMs === undefined) return () => undefined;
  const message = `The turn reached its time limit (limits.maxDurationMs, ${maxDurationMs} ms). Send another message to go on.`;
  const timer = setTimeout(() => stop({ code: "turn_limit", message }), maxDurationMs);
  return () => clearTimeout(timer);
}
