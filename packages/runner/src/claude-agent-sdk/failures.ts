import type { ErrorCode, TurnError } from "@hhopkins/agent-runtime-protocol";
import type { NativeMessage } from "./native.ts";
import { refusedResult } from "./structured-result.ts";

/** An error of the model's API, as far as the harness tells. */
export interface ModelFailure {
  /** HTTP status; absent when there was no answer. */
  readonly status?: number | null | undefined;
  /** The harness's word for it, such as `authentication_failed` or `connection_failed`. */
  readonly kind?: string | undefined;
  readonly text?: string | undefined;
}

const REMEDIES = {
  model_auth_failed: [
    "refused the credential",
    "Check the model credential that the server was given (ANTHROPIC_API_KEY), then send the message again.",
  ],
  model_rate_limited: [
    "is rate limited",
    "Wait a little and send the message again, or raise the limit at the provider.",
  ],
  model_overloaded: ["is overloaded", "This usually passes: send the message again in a while."],
  model_refused: [
    "refused the request",
    "Change what the message says, or choose another model; when the conversation became too long, begin a new session.",
  ],
  model_unreachable: [
    "cannot be reached",
    "Check the network and the model's base URL (ANTHROPIC_BASE_URL), then send the message again.",
  ],
  model_failed: ["failed", "Send the message again; if it fails again, look at the provider's status page."],
} as const satisfies Partial<Record<ErrorCode, readonly [string, string]>>;

type ModelErrorCode = keyof typeof REMEDIES;

export function modelError(failure: ModelFailure): TurnError {
  const code = codeOf(failure);
  return { code, message: `${modelTrouble(failure)}. ${REMEDIES[code][1]}` };
}

/** What is wrong, without a remedy and a full stop. */
export function modelTrouble(failure: ModelFailure): string {
  const details = [failure.status ?? "", firstSentence(failure.text ?? "")].filter((detail) => detail !== "");
  const [what] = REMEDIES[codeOf(failure)];
  return `The model ${what}${details.length === 0 ? "" : ` (${details.join(": ")})`}`;
}

/** What follows it is the harness's advice to the people at its own terminal. */
function firstSentence(text: string): string {
  const said = text.replace(/^API Error:\s*/, "").replace(/^\d{3}\s+/, "");
  return (said.split(/\.\s| · /)[0] ?? "").replace(/\.$/, "").trim();
}

/** The credential is wrong: trying again is in vain. */
export function isCredentialStatus(status: number | null | undefined): boolean {
  return status === 401 || status === 403;
}

function codeOf({ status, kind }: ModelFailure): ModelErrorCode {
  if (status === null && kind === "unknown") return "model_unreachable";
  if (status === undefined || status === null) return codeOfKind(kind ?? "");
  if (isCredentialStatus(status)) return "model_auth_failed";
  if (status === 429) return "model_rate_limited";
  if (status === 529 || status === 503) return "model_overloaded";
  if (status >= 400 && status < 500 && status !== 408) return "model_refused";
  return "model_failed";
}

function codeOfKind(kind: string): ModelErrorCode {
  if (/connection|timeout|network|unreachable/.test(kind)) return "model_unreachable";
  if (/auth|oauth|account|verification|credential|billing/.test(kind)) return "model_auth_failed";
  if (/rate_limit/.test(kind)) return "model_rate_limited";
  if (/overloaded/.test(kind)) return "model_overloaded";
  if (/invalid_request|model_not_found/.test(kind)) return "model_refused";
  return "model_failed";
}

/** The failure that an assistant message stands for; undefined for what the model really said. */
export function failureOf(message: NativeMessage): ModelFailure | undefined {
  if (message.is_api_error_message !== true && message.error === undefined) return undefined;
  const content = message.message?.content;
  const text = typeof content === "string" ? content : content?.map((part) => part.text ?? "").join("");
  return { status: message.api_error_status, kind: message.api_error ?? message.api_error_type ?? message.error, text };
}

/** What a `result` says went wrong. Its subtype is `success` for API errors too, so `is_error` counts. */
export function resultError(result: NativeMessage, seen: ModelFailure | undefined): TurnError | undefined {
  if (result.subtype === "error_max_turns" || result.subtype === "error_max_budget_usd") {
    const limit = result.subtype === "error_max_turns" ? "number of steps" : "budget";
    return { code: "turn_limit", message: `The turn reached its ${limit}. Send another message to go on.` };
  }
  const refused = refusedResult(result);
  if (refused !== undefined) return refused;
  if (seen !== undefined) return modelError({ ...seen, status: seen.status ?? result.api_error_status });
  if (result.is_error !== true) return undefined;
  if (result.terminal_reason === "api_error" || typeof result.api_error_status === "number") {
    return modelError({ status: result.api_error_status, text: result.result });
  }
  return harnessError(result.errors?.join("; ") ?? result.result ?? result.terminal_reason ?? "no reason given");
}

/** Whether a `result` is of a turn that was stopped from outside. */
export function wasAborted(result: NativeMessage): boolean {
  return result.terminal_reason === "aborted_streaming" || result.terminal_reason === "aborted_tools";
}

export function harnessError(reason: string): TurnError {
  const message = `The agent process failed: ${reason}. Send another message: it is started again and the conversation goes on.`;
  return { code: "harness_failed", message };
}
