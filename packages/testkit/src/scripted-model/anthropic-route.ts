import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { type NewId, errorBody } from "./anthropic-message.ts";
import { type AnthropicRequest, readAnthropicRequest } from "./anthropic-request.ts";
import { sendError, sendJson, sendStream, sendWhole } from "./anthropic.ts";
import { readJsonBody } from "./body.ts";
import type { Exchange, Outcome } from "./exchange.ts";
import { type Plan, type PlayOptions, play } from "./play.ts";
import type { ScriptedModelRequest } from "./request-log.ts";

const maxBodyBytes = 32 * 1024 * 1024;

export interface AnthropicRouteOptions extends PlayOptions {
  readonly newId: NewId;
  readonly onRequest: (request: ScriptedModelRequest) => void;
}

/** `POST /v1/messages`. */
export async function respondMessages(exchange: Exchange, options: AnthropicRouteOptions): Promise<Outcome> {
  const { request, response, entry } = exchange;
  const body = await readJsonBody(request, maxBodyBytes);
  if (body.ok) entry.body = body.json;
  const read = body.ok ? readAnthropicRequest(body.json) : body.message;
  if (typeof read === "string") {
    options.onRequest(entry);
    return refuse(response, body.ok ? 400 : body.status, read);
  }
  const { plan, played } = play(read, options);
  const { model, systemText: system, toolNames } = read;
  Object.assign(entry, { model, system, toolNames, played });
  options.onRequest(entry);
  return carryOut(plan, read, { ...exchange, newId: options.newId });
}

async function carryOut(plan: Plan, read: AnthropicRequest, exchange: Exchange & { newId: NewId }): Promise<Outcome> {
  const { response, signal, newId } = exchange;
  switch (plan.kind) {
    case "refuse":
      return refuse(response, 400, plan.message);
    case "error":
      return sendError(plan, response, signal);
    case "hang":
      if (!signal.aborted) await once(signal, "abort");
      return "aborted";
    case "answer": {
      const answer = { response, signal, newId, model: read.model };
      return read.stream ? sendStream(plan, answer) : sendWhole(plan, answer);
    }
  }
}

function refuse(response: ServerResponse, status: number, message: string): Outcome {
  sendJson(response, status, errorBody(status, message));
  return "answered";
}
