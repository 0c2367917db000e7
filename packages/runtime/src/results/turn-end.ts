import type { ResultSchema, TurnError, TurnResult, TurnStatus } from "@hhopkins/agent-runtime-protocol";
import { resultProblem } from "./result-schema.ts";

interface SaidEnd {
  readonly status: TurnStatus;
  readonly error?: TurnError | undefined;
  readonly result?: TurnResult | undefined;
}

interface CheckedEnd {
  readonly status: TurnStatus;
  readonly error?: TurnError;
  readonly result?: TurnResult;
}

/** How a turn ended, as its runner says and as its result is: a runner is not trusted. */
export function checkedEnd(resultSchema: ResultSchema | undefined, { status, error, result }: SaidEnd): CheckedEnd {
  const ended = { status, ...(error === undefined ? {} : { error }) };
  if (resultSchema === undefined || status !== "completed") return ended;
  const problem = resultProblem(resultSchema, result);
  if (problem === null) return { ...ended, ...(result === undefined ? {} : { result }) };
  const message = `The agent's result does not fit its schema: ${problem}. Send another message to go on.`;
  return { status: "failed", error: { code: "invalid_result", message } };
}
