import type { ResultSchema, TurnError } from "@hhopkins/agent-runtime-protocol";
import type { TurnProgress } from "./turn-progress.ts";
import { NOTHING_SPENT, type Spent } from "./usage.ts";

/** What the driver knows of the turn that runs. */
export interface RunningTurn {
  readonly turnId: string;
  readonly resultSchema: ResultSchema | undefined;
  /** What the agent gave for it. */
  result: unknown;
  progress: TurnProgress | undefined;
  spent: Spent;
  interrupted: boolean;
  /** It is to go on elsewhere: what its process does from now on counts for nothing but what it cost. */
  deferred: boolean;
  failure: TurnError | undefined;
  /** Something was heard of it. */
  begun: boolean;
  /** The process was dead before it had begun, so it was given to a second one. */
  again: boolean;
  over: PromiseWithResolvers<void>;
  /** Calls off the start of a process for this turn. */
  readonly stop: AbortController;
  escalation: NodeJS.Timeout | undefined;
}

export function newTurn(turnId: string, resultSchema: ResultSchema | undefined): RunningTurn {
  return {
    turnId,
    resultSchema,
    result: undefined,
    progress: undefined,
    spent: NOTHING_SPENT,
    interrupted: false,
    deferred: false,
    failure: undefined,
    begun: false,
    again: false,
    over: Promise.withResolvers<void>(),
    stop: new AbortController(),
    escalation: undefined,
  };
}
