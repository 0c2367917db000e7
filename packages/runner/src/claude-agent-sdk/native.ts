/**
 * What we read of the harness's messages. Its own type declarations lack fields that it sends, and a newer harness
 * may leave out others, so everything but `type` is optional here.
 */
export interface NativeMessage {
  readonly type: string;
  readonly subtype?: string;
  readonly uuid?: string;
  readonly parent_tool_use_id?: string | null;
  readonly message?: NativeApiMessage;
  readonly event?: NativeStreamEvent;
  readonly isReplay?: boolean;
  readonly isSynthetic?: boolean;
  readonly tool_use_result?: unknown;
  readonly tool_result_meta?: readonly { readonly id?: string; readonly non_execution_kind?: string }[];
  // assistant, result: an error of the model's API
  readonly is_api_error_message?: boolean;
  readonly api_error_status?: number | null;
  readonly api_error?: string;
  readonly api_error_type?: string;
  // result
  readonly is_error?: boolean;
  readonly result?: string;
  readonly errors?: readonly string[];
  readonly terminal_reason?: string;
  readonly total_cost_usd?: number;
  readonly structured_output?: unknown;
  readonly model_usage_since_last_result?: Readonly<Record<string, NativeModelUsage>>;
  // system/init
  readonly model?: string;
  readonly mcp_servers?: readonly { readonly name: string; readonly status: string }[];
  // system/api_retry, and assistants that are an API error
  readonly error?: string;
  readonly error_status?: number | null;
  readonly attempt?: number;
  readonly max_retries?: number;
  readonly retry_delay_ms?: number;
  // system/compact_boundary, system/status
  readonly compact_metadata?: {
    readonly trigger?: string;
    readonly pre_tokens?: number;
    readonly post_tokens?: number;
  };
  readonly compact_result?: string;
  readonly compact_error?: string;
  // rate_limit_event; `resetsAt` in seconds since the epoch, `utilization` from 0 to 1
  readonly rate_limit_info?: {
    readonly status?: string;
    readonly rateLimitType?: string;
    readonly utilization?: number;
    readonly resetsAt?: number;
  };
  // system/session_state_changed, command_lifecycle
  readonly state?: string;
  readonly command_uuid?: string;
  // system/task_*
  readonly tool_use_id?: string;
  readonly task_type?: string;
  readonly subagent_type?: string;
  readonly prompt?: string;
  readonly task_id?: string;
  readonly parent_task_id?: string;
  readonly is_backgrounded?: boolean;
  // assistant, user: the task whose subagent says it
  readonly agent_id?: string;
  // system/background_tasks_changed: all that there are
  readonly tasks?: readonly { readonly task_id?: string; readonly task_type?: string }[];
  readonly status?: string | null;
  readonly summary?: string;
}

export interface NativeApiMessage {
  readonly id?: string;
  readonly model?: string;
  readonly content?: string | readonly NativeContent[];
}

export interface NativeContent {
  readonly type: string;
  readonly text?: string;
  readonly thinking?: string;
  readonly id?: string;
  readonly name?: string;
  readonly input?: unknown;
  readonly tool_use_id?: string;
  readonly content?: string | readonly NativeContent[];
  readonly is_error?: boolean;
}

export interface NativeStreamEvent {
  readonly type: string;
  readonly index?: number;
  readonly message?: NativeApiMessage;
  readonly content_block?: NativeContent;
  readonly delta?: {
    readonly type?: string;
    readonly text?: string;
    readonly thinking?: string;
    readonly partial_json?: string;
  };
}

export interface NativeModelUsage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cacheReadInputTokens?: number;
  readonly cacheCreationInputTokens?: number;
  readonly thinkingTokens?: number;
  readonly cacheCreationEphemeral1hInputTokens?: number;
  readonly canonicalModel?: string;
  readonly costUSD?: number;
}

/** The content parts of a message, whatever form it has. */
export function contentOf(message: NativeApiMessage | undefined): readonly NativeContent[] {
  const content = message?.content;
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content : [];
}
