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

/** The time that a turn may take. */
export interface DurationBound {
  /** While it waits for people it goes on for as long as they need. */
  hold(waiting: boolean): void;
  end(): void;
}

/** Calls `stop` when the turn has worked for as long as it may. */
export function boundDuration({ maxDurationMs }: TurnLimits, stop: (failure: TurnError) => void): DurationBound {
  if (maxDurationMs === undefined) return { hold: () => undefined, end: () => undefined };
  const message = `The turn reached its time limit (limits.maxDurationMs, ${maxDurationMs} ms). Send another message to go on.`;
  let left = maxDurationMs;
  let since = performance.now();
  const begin = (): NodeJS.Timeout => setTimeout(() => stop({ code: "turn_limit", message }), left);
  let timer: NodeJS.Timeout | undefined = begin();
  return {
    hold(waiting) {
      if (waiting === (timer === undefined)) return;
      clearTimeout(timer);
      if (waiting) left = Math.max(1, left - (performance.now() - since));
      since = performance.now();
      timer = waiting ? undefined : begin();
    },
    end: () => clearTimeout(timer),
  };
}
