import type { Step } from "./step.ts";

/** A content block of Anthropic's Messages format, as far as a step can make one. */
export type AnthropicBlock =
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: "tool_use";
      readonly id: string;
      readonly name: string;
      readonly input: Readonly<Record<string, unknown>>;
    };

export type NewId = (prefix: string) => string;

// Harnesses send it back unread; a real one is opaque too.
const signature = "c2NyaXB0ZWQtbW9kZWw=";

/** The blocks of a step, in the order they are sent. */
export function blocksOf(step: Step, newId: NewId): AnthropicBlock[] {
  const blocks: AnthropicBlock[] = [];
  if (step.thinking !== undefined) blocks.push({ type: "thinking", thinking: step.thinking, signature });
  if (step.text !== undefined) blocks.push({ type: "text", text: step.text });
  for (const { name, input } of step.tools ?? []) blocks.push({ type: "tool_use", id: newId("toolu"), name, input });
  return blocks;
}

export function stopReasonOf(step: Step): "tool_use" | "end_turn" {
  return step.tools === undefined ? "end_turn" : "tool_use";
}

export interface AnthropicUsage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation_input_tokens: number;
}

/** What the step reports; 10 tokens in and 5 out by default. */
export function usageOf(step: Step): AnthropicUsage {
  const { input = 10, output = 5, cacheRead = 0, cacheWrite = 0 } = step.usage ?? {};
  return {
    input_tokens: input,
    output_tokens: output,
    cache_read_input_tokens: cacheRead,
    cache_creation_input_tokens: cacheWrite,
  };
}

const errorTypes: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  405: "invalid_request_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** Anthropic's shape of an error. */
export function errorBody(status: number, message: string, type?: string): object {
  const usual = errorTypes[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
  return { type: "error", error: { type: type ?? usual, message }, request_id: null };
}
