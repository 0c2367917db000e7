import type { ServerResponse } from "node:http";
import { type AnthropicBlock, type NewId, blocksOf, errorBody, stopReasonOf, usageOf } from "./anthropic-message.ts";
import { pause, pieces, writePiece } from "./pacing.ts";
import type { Plan } from "./play.ts";
import type { Step } from "./step.ts";

export interface AnthropicAnswer {
  readonly response: ServerResponse;
  readonly model: string;
  readonly newId: NewId;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
}

type AnswerPlan = Extract<Plan, { kind: "answer" }>;
type ErrorPlan = Extract<Plan, { kind: "error" }>;

/** Answers with one JSON message. A cut connection is cut before anything is sent. */
export async function sendWhole(plan: AnswerPlan, answer: AnthropicAnswer): Promise<"answered" | "dropped"> {
  const { response, model, newId, signal } = answer;
  const { step } = plan;
  await pause(step.firstMs, signal);
  if (plan.dropAfter !== undefined) return drop(response, signal);
  const content = blocksOf(step, newId);
  sendJson(response, 200, {
    ...messageHead(model, newId),
    content,
    stop_reason: stopReasonOf(step),
    usage: usageOf(step),
  });
  return "answered";
}

/** Answers as server-sent events, each delta its own write. */
export async function sendStream(plan: AnswerPlan, answer: AnthropicAnswer): Promise<"answered" | "dropped"> {
  const { response, model, newId, signal } = answer;
  const { step } = plan;
  await pause(step.firstMs, signal);
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  const usage = usageOf(step);
  const send = (event: SseEvent): Promise<void> => writePiece(response, sse(event), signal);
  await send({
    type: "message_start",
    message: { ...messageHead(model, newId), usage: { ...usage, output_tokens: 1 } },
  });
  await send({ type: "ping" });
  const dropAfter = plan.dropAfter ?? Infinity;
  let deltas = 0;
  for (const [index, block] of blocksOf(step, newId).entries()) {
    if (deltas >= dropAfter) return drop(response, signal);
    await send({ type: "content_block_start", index, content_block: emptyBlock(block) });
    for (const delta of deltasOf(block, step)) {
      if (deltas >= dropAfter) return drop(response, signal);
      if (deltas > 0) await pause(step.delayMs, signal);
      await send({ type: "content_block_delta", index, delta });
      deltas++;
    }
    if (deltas >= dropAfter) return drop(response, signal);
    if (block.type === "thinking") {
      await send({
        type: "content_block_delta",
        index,
        delta: { type: "signature_delta", signature: block.signature },
      });
    }
    await send({ type: "content_block_stop", index });
  }
  if (plan.dropAfter !== undefined) return drop(response, signal);
  await send({ type: "message_delta", delta: { stop_reason: stopReasonOf(step), stop_sequence: null }, usage });
  await send({ type: "message_stop" });
  response.end();
  return "answered";
}

/** Sends the error that the script asks for, in Anthropic's shape. */
export async function sendError(plan: ErrorPlan, response: ServerResponse, signal: AbortSignal): Promise<"answered"> {
  const { status, type, message, retryAfter } = plan.error;
  await pause(plan.step.firstMs, signal);
  if (retryAfter !== undefined) response.setHeader("retry-after", String(retryAfter));
  sendJson(response, status, errorBody(status, message ?? `The script asks for status ${status}.`, type));
  return "answered";
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

interface SseEvent {
  readonly type: string;
  readonly [key: string]: unknown;
}

function sse(event: SseEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

// A client that finds data and the end at once may report the end alone, and then the cut would come before the first delta.
const settleMs = 100;

/** Cuts the connection, a moment after what was written. */
async function drop(response: ServerResponse, signal: AbortSignal): Promise<"dropped"> {
  if (response.headersSent) await pause(settleMs, signal);
  response.destroy();
  return "dropped";
}

function messageHead(model: string, newId: NewId): object {
  return {
    id: newId("msg"),
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

function emptyBlock(block: AnthropicBlock): object {
  switch (block.type) {
    case "thinking":
      return { type: "thinking", thinking: "", signature: "" };
    case "text":
      return { type: "text", text: "" };
    case "tool_use":
      return { ...block, input: {} };
  }
}

function deltasOf(block: AnthropicBlock, step: Step): object[] {
  const size = step.chunk ?? 16;
  switch (block.type) {
    case "thinking":
      return pieces(block.thinking, size).map((thinking) => ({ type: "thinking_delta", thinking }));
    case "text":
      return pieces(block.text, size).map((text) => ({ type: "text_delta", text }));
    case "tool_use":
      return pieces(JSON.stringify(block.input), size).map((part) => ({
        type: "input_json_delta",
        partial_json: part,
      }));
  }
}
