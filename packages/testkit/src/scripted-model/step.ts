import { z } from "zod";

const count = z.number().int().min(0);
const times = z.number().int().min(1).optional();
const millis = z.number().min(0).max(600_000);

const toolCallSchema = z.strictObject({
  name: z.string().min(1),
  input: z.record(z.string(), z.unknown()).default({}),
});

const usageSchema = z.strictObject({
  input: count.optional(),
  output: count.optional(),
  cacheRead: count.optional(),
  cacheWrite: count.optional(),
});

const errorSchema = z.strictObject({
  status: z.number().int().min(400).max(599),
  /** The provider's error type; by default the usual one for the status. */
  type: z.string().min(1).optional(),
  message: z.string().optional(),
  /** How many tries get the error; by default every one. */
  times,
  /** Seconds, sent as the `retry-after` header. */
  retryAfter: z.number().min(0).optional(),
});

/** One answer of the model. Thinking, text and tools are sent in that order. */
export const stepSchema = z.strictObject({
  text: z.string().optional(),
  thinking: z.string().optional(),
  tools: z.array(toolCallSchema).min(1).optional(),
  /** Characters per delta; 16 by default. */
  chunk: z.number().int().min(1).optional(),
  /** Milliseconds between deltas. */
  delayMs: millis.optional(),
  /** Milliseconds before the first byte of the answer. */
  firstMs: millis.optional(),
  /** Tokens to report; small constants by default. */
  usage: usageSchema.optional(),
  /** An error instead of an answer. */
  error: errorSchema.optional(),
  /** Accept and never answer: every try, or the first `times`. */
  hang: z.union([z.literal(true), z.strictObject({ times })]).optional(),
  /** Cut the connection after so many deltas: every try, or the first `times`. More than there are: after the last block. */
  dropAfter: z.union([count, z.strictObject({ deltas: count, times })]).optional(),
});

export const scriptSchema = z.array(stepSchema).min(1);

/** A step as a test writes it. */
export type ScriptStep = z.input<typeof stepSchema>;
/** A step after validation. */
export type Step = z.output<typeof stepSchema>;

/**
 * Writes steps as the text that goes into a prompt: `<<<[ … ]>>>`.
 * Put it anywhere in a message, or into the prompt of a subagent's tool call.
 */
export function script(steps: readonly ScriptStep[]): string {
  return `<<<${JSON.stringify(steps)}>>>`;
}

/** Whether the step says anything, so that it becomes an assistant turn of the conversation. */
export function hasContent(step: Step): boolean {
  return step.text !== undefined || step.thinking !== undefined || step.tools !== undefined;
}
