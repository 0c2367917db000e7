import type { JsonObject } from "@hhopkins/agent-runtime-protocol";
import type { z } from "zod";

/** Whose call it is, and how to say how far it is. */
export interface HostToolContext {
  readonly sessionId: string;
  readonly tenant: string;
  /** Of the session's profile. */
  readonly agentProfileReference: string;
  /** What the session was created with. */
  readonly metadata: JsonObject;
  /** `"main"`, or the subagent that calls. */
  readonly conversationId: string;
  /** The same whenever an idempotent tool runs once more for one call: a good key for what it does elsewhere. */
  readonly callId: string;
  /** The `tool_use` block's. */
  readonly toolUseId?: string;
  /** Fires when nobody waits any more: the turn was stopped, the time is over, or the server ends. */
  readonly signal: AbortSignal;
  /** Shows on the `tool_use` block, at most twice a second; of more the last one. */
  readonly progress: (text: string) => void;
}

export interface HostToolOptions<Input extends z.core.$ZodType> {
  /** What it is for, told to the model. */
  readonly description: string;
  /** A Zod schema of an object; its description of each field is told to the model too. */
  readonly input: Input;
  /** It may run again for the same call, after the server ended in the middle of it. Default: false, it runs at most once. */
  readonly idempotent?: boolean;
  /** Milliseconds for a call. Default: 60 s. */
  readonly timeoutMs?: number;
  /** What it resolves with is told to the agent: a string as it is, all else as JSON. What it throws, as the error that it is. */
  readonly run: (input: z.output<Input>, context: HostToolContext) => unknown;
}

/** A tool of the application, for the option `tools`. */
export interface HostTool {
  readonly description: string;
  readonly input: z.core.$ZodType;
  readonly idempotent: boolean;
  readonly timeoutMs: number;
  /** `input` is what the schema gave. */
  readonly run: (input: unknown, context: HostToolContext) => unknown;
}

const TIMEOUT_MS = 60_000;

/** A tool that runs in this process, and that agents call like any of their own: `createAgentRuntime({ tools: { name: tool({ … }) } })`. */
export function tool<Input extends z.core.$ZodType>(options: HostToolOptions<Input>): HostTool {
  const { description, input, idempotent = false, timeoutMs = TIMEOUT_MS, run } = options;
  return { description, input, idempotent, timeoutMs, run: (value, context) => run(value as z.output<Input>, context) };
}
