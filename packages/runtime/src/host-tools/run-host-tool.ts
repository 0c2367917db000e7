/** One run of a tool, whatever it does: it always comes to a result, in time. */
import { HOST_TOOL_LIMITS, type HostToolResult } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import type { HostTool, HostToolContext } from "./tool.ts";

/** Characters of what a tool threw. */
const MESSAGE_CHARS = 10_000;

export interface HostToolRun {
  readonly name: string;
  readonly tool: HostTool;
  /** As the agent gave it. */
  readonly input: unknown;
  /** Its signal fires when the call is cancelled. */
  readonly context: HostToolContext;
  /** What the tool threw, for the server's log. */
  readonly onThrown: (error: unknown) => void;
}

/** Resolves when the tool has, when its time is over, or when the call is cancelled; never rejects. */
export async function runHostTool({ name, tool, input, context, onThrown }: HostToolRun): Promise<HostToolResult> {
  const over = AbortSignal.timeout(tool.timeoutMs);
  const signal = AbortSignal.any([context.signal, over]);
  const ended = Promise.withResolvers<HostToolResult>();
  const end = (): void => ended.resolve(endOf(name, tool, context.signal.aborted));
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  const run = async (): Promise<HostToolResult> => {
    const parsed = await z.safeParseAsync(tool.input, input);
    if (!parsed.success) return failure(`The input of ${name} is not valid. ${issuesOf(parsed.error)}`);
    return resultOf(name, await tool.run(parsed.data, { ...context, signal }));
  };
  const ran = run().catch((error: unknown) => {
    // One that was told to end throws as a rule.
    if (!signal.aborted) onThrown(error);
    return failure(`The tool ${name} failed: ${messageOf(error)}`);
  });
  return Promise.race([ended.promise, ran]).finally(() => signal.removeEventListener("abort", end));
}

function endOf(name: string, { timeoutMs, idempotent }: HostTool, isCancelled: boolean): HostToolResult {
  if (isCancelled) return { status: "cancelled", content: "The call was cancelled." };
  const outcome = idempotent
    ? "It can be called again."
    : "What it has done by then is not known: find out before you call it again.";
  return { status: "timeout", content: `The tool ${name} did not answer within ${timeoutMs / 1000} s. ${outcome}` };
}

function resultOf(name: string, value: unknown): HostToolResult {
  const content = textOf(value);
  if (content === undefined)
    return failure(`The tool ${name} ran, and answered with something that cannot be told as JSON.`);
  const bytes = Buffer.byteLength(content);
  if (bytes > HOST_TOOL_LIMITS.result)
    return failure(
      `The tool ${name} ran, and its answer is too large: ${bytes} bytes, of at most ${HOST_TOOL_LIMITS.result}. Ask it for less.`,
    );
  return { status: "success", content };
}

/** undefined: there is no JSON of it. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (value === undefined) return "";
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function issuesOf({ issues }: z.core.$ZodError): string {
  return issues.map(({ path, message }) => `${path.map(String).join(".") || "input"}: ${message}`).join("; ");
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.slice(0, MESSAGE_CHARS);
}

function failure(content: string): HostToolResult {
  return { status: "error", content };
}
