import type { HookCallback } from "@anthropic-ai/claude-agent-sdk";
import type { SessionOptions, TurnError, TurnLimits } from "@hhopkins/agent-runtime-protocol";
import type { HarnessSpec } from "../architecture.ts";
import { createDurationBound } from "./duration-bound.ts";

/** The session's bounds before the profile's, each by itself. */
export function limitsOf(spec: HarnessSpec, options: SessionOptions): TurnLimits {
  return { ...spec.start.profile.limits, ...options.limits };
}

export interface BoundedTurns {
  /** As they are now: they can change while a turn runs. */
  limits(): TurnLimits;
  /** In USD, what the running turn has cost so far. */
  cost(): Promise<number>;
  /** Subagents are at work beside the main conversation. */
  hasSubagents(): boolean;
  /** The turn ends as failed when its harness ends it, which is about to. */
  fail(failure: TurnError): void;
  stop(failure: TurnError): void;
}

/** The bounds of one turn after another. */
export interface TurnBounds {
  begin(): void;
  /** While the turn waits for people its time stands still. */
  hold(waiting: boolean): void;
  /** The limits are others now. */
  changed(): void;
  /** Called when the tools of an answer have run and the model is not asked again yet. */
  readonly afterTools: HookCallback;
  /** The main conversation has ended a part of the turn. */
  ended(): void;
  end(): void;
}

/** The harness's tool to give a structured result with: then the turn is over anyway. */
const RESULT_TOOL = "StructuredOutput";

export function createTurnBounds(turns: BoundedTurns): TurnBounds {
  const duration = createDurationBound((ms) => turns.stop(turnLimit(`time limit (limits.maxDurationMs, ${ms} ms)`)));
  let steps = 0;

  async function reached(ofSubagent: boolean): Promise<TurnError | undefined> {
    const { maxSteps, maxCostUSD } = turns.limits();
    if (maxSteps !== undefined && steps >= maxSteps && !ofSubagent)
      return turnLimit(`number of steps (limits.maxSteps, ${maxSteps})`);
    if (maxCostUSD !== undefined && (await turns.cost()) > maxCostUSD)
      return turnLimit(`budget (limits.maxCostUSD, ${maxCostUSD})`);
    return undefined;
  }

  return {
    begin() {
      steps = 0;
      duration.begin(turns.limits().maxDurationMs);
    },
    hold: duration.hold,
    changed: () => duration.change(turns.limits().maxDurationMs),
    async afterTools(input) {
      if (input.hook_event_name !== "PostToolBatch") return {};
      const ofSubagent = input.agent_id !== undefined;
      if (!ofSubagent) steps += 1;
      if (input.tool_calls.some(({ tool_name: name }) => name === RESULT_TOOL)) return {};
      const failure = await reached(ofSubagent);
      if (failure === undefined) return {};
      // What works beside the one that is told would go on.
      if (ofSubagent || turns.hasSubagents()) turns.stop(failure);
      else turns.fail(failure);
      return { continue: false, stopReason: failure.message };
    },
    ended() {
      steps += 1;
      const { maxSteps } = turns.limits();
      // It would be asked again when they are done.
      if (maxSteps !== undefined && steps >= maxSteps && turns.hasSubagents())
        turns.stop(turnLimit(`number of steps (limits.maxSteps, ${maxSteps})`));
    },
    end: duration.end,
  };
}

function turnLimit(which: string): TurnError {
  return { code: "turn_limit", message: `The turn reached its ${which}. Send another message to go on.` };
}
