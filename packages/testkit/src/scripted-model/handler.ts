import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { respondMessages } from "./anthropic-route.ts";
import { type NewId, errorBody } from "./anthropic-message.ts";
import { sendJson } from "./anthropic.ts";
import { createAttempts } from "./attempts.ts";
import type { Exchange, Outcome } from "./exchange.ts";
import { type ScriptedModelRequest, createRequestLog } from "./request-log.ts";

export interface ScriptedModelHandlerOptions {
  /** Answer prompts without a script with a friendly turn that writes a file and reads it back. Off by default. */
  readonly demo?: boolean;
  /** How many requests to remember; 200 by default. */
  readonly keepRequests?: number;
  /** Called once for each request, when it is known what will be played. */
  readonly onRequest?: (request: ScriptedModelRequest) => void;
  readonly newId?: NewId;
  readonly now?: () => Date;
}

/** Answers model requests; fits `http.createServer`. It never throws. */
export interface ScriptedModelHandler {
  (request: IncomingMessage, response: ServerResponse): void;
  /** The last requests, oldest first. */
  readonly requests: readonly ScriptedModelRequest[];
}

/** The scripted model without a server of its own. */
export function createScriptedModelHandler(options: ScriptedModelHandlerOptions = {}): ScriptedModelHandler {
  const { demo = false, keepRequests = 200, onRequest = () => {}, now = () => new Date() } = options;
  const newId = options.newId ?? ((prefix: string) => `${prefix}_${randomUUID().replaceAll("-", "")}`);
  const log = createRequestLog(keepRequests);
  const model = { attempts: createAttempts(), demo, newId, onRequest };

  async function respond(exchange: Exchange): Promise<Outcome> {
    const { entry, response } = exchange;
    const route = `${entry.method} ${entry.path.split("?")[0] ?? ""}`;
    if (route === "POST /v1/messages") return respondMessages(exchange, model);
    onRequest(entry);
    return respondOther(route, response);
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const { method = "GET", url = "/", headers } = request;
    const entry: ScriptedModelRequest = { at: now().toISOString(), method, path: url, headers, outcome: "open" };
    log.add(entry);
    const left = new AbortController();
    response.once("close", () => left.abort());
    const exchange = { request, response, entry, signal: left.signal };
    respond(exchange).then(
      (outcome) => {
        entry.outcome = outcome;
      },
      (error: unknown) => {
        entry.outcome = failExchange(exchange, error);
      },
    );
  }

  return Object.assign(handle, { requests: log.entries });
}

function respondOther(route: string, response: ServerResponse): Outcome {
  switch (route) {
    case "HEAD /":
      response.writeHead(200).end();
      break;
    case "GET /":
      sendJson(response, 200, { service: "scripted model", formats: ["anthropic"] });
      break;
    case "POST /v1/messages/count_tokens":
      sendJson(response, 200, { input_tokens: 10 });
      break;
    default:
      sendJson(response, 404, errorBody(404, `${route} is not a route of the scripted model.`));
  }
  return "answered";
}

/** The client left, or something went wrong that no script asked for, such as an `onRequest` that throws. */
function failExchange(exchange: Exchange, error: unknown): Outcome {
  const { request, response, signal } = exchange;
  if (signal.aborted || !request.complete) return "aborted";
  if (response.headersSent) {
    response.destroy();
    return "dropped";
  }
  sendJson(response, 500, errorBody(500, error instanceof Error ? error.message : String(error)));
  return "answered";
}
