import type { Options } from "@anthropic-ai/claude-agent-sdk";
import {
  RESULT_ATTEMPTS,
  TurnResult,
  type ResultSchema,
  type TurnError,
  type TurnStatus,
} from "@hhopkins/agent-runtime-protocol";
import type { NativeMessage } from "./native.ts";

/** What a turn is to result in, if anything, and what the agent gave for it. */
export interface WantedResult {
  readonly resultSchema: ResultSchema | undefined;
  result: unknown;
}

/** The harness gives its model a tool that ends the turn, and holds what it is called with against the schema. */
export function resultOptions(schema: ResultSchema | undefined): Pick<Options, "outputFormat"> {
  if (schema === undefined) return {};
  // Draft 7 is what it knows, by no other name.
  const { $schema: _dialect, ...rest } = schema;
  return { outputFormat: { type: "json_schema", schema: rest } };
}

/** Why a turn that completed otherwise has failed: it was to result in something, and did not. */
export function lackingResult({ resultSchema, result }: WantedResult): TurnError | undefined {
  if (resultSchema === undefined) return undefined;
  if (result === undefined) return invalidResult("The agent ended its turn without a result");
  const parsed = TurnResult.safeParse(result);
  if (parsed.success) return undefined;
  return invalidResult(`The agent's result cannot be kept: it ${parsed.error.issues[0]?.message ?? "is not valid"}`);
}

/** Of a turn that ended like that, and lacks none. */
export function resultOf({ resultSchema, result }: WantedResult, status: TurnStatus): { result?: TurnResult } {
  return resultSchema === undefined || status !== "completed" ? {} : { result: result as TurnResult };
}

/** Undefined where that is not why a turn failed. */
export function refusedResult(result: NativeMessage): TurnError | undefined {
  if (result.subtype !== "error_max_structured_output_retries") return undefined;
  const [, why] = /does not match required schema: (.*)$/s.exec(result.errors?.[0] ?? "") ?? [];
  const reason = why === undefined ? "" : `: ${why}`;
  return invalidResult(`The agent gave no result that fits its schema, in ${RESULT_ATTEMPTS} attempts${reason}`);
}

function invalidResult(what: string): TurnError {
  return { code: "invalid_result", message: `${what}. Send another message to go on, or ask for a simpler result.` };
}
