import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { refuse } from "./answer.ts";
import { answerHeaders, upstreamHeaders } from "./headers.ts";
import type { ModelCredential } from "./port.ts";
import type { Upstream } from "./upstream.ts";

export interface ForwardOptions {
  readonly upstream: Upstream;
  readonly credential: ModelCredential;
  /** Path and query, checked. */
  readonly target: string;
  readonly maxBodyBytes: number;
  /** The model's answer begins, with this HTTP status. */
  readonly onAnswer: (status: number) => void;
}

/** Sends a sandbox's request on to the model and the answer back, as the bytes come, at the pace of the slower side. */
export function forward(request: IncomingMessage, response: ServerResponse, options: ForwardOptions): void {
  const outgoing = options.upstream.request(urlOf(options.credential.baseUrl, options.target), {
    method: request.method ?? "GET",
    headers: upstreamHeaders(request.headers, options.credential),
  });
  let answered = false;
  outgoing.once("response", (incoming) => {
    answered = true;
    options.onAnswer(incoming.statusCode ?? 0);
    answer(incoming, response);
  });
  outgoing.on("error", (error) => {
    // After the answer has begun its own stream tells; a model may well refuse before it has read a whole body.
    if (!answered) refuse(response, 502, `The model cannot be reached: ${error.message}`);
  });
  // The sandbox has gone away, or has its answer: the model need not go on.
  response.once("close", () => outgoing.destroy());
  limitBody(request, options.maxBodyBytes, () => {
    request.unpipe(outgoing);
    outgoing.destroy();
    refuse(response, 413, `The request is larger than ${options.maxBodyBytes} bytes`);
  });
  request.pipe(outgoing);
}

function answer(incoming: IncomingMessage, response: ServerResponse): void {
  const status = incoming.statusCode ?? 502;
  if (status >= 300 && status < 400) {
    incoming.destroy();
    refuse(
      response,
      502,
      `The model's address answers with a redirect (${status}), which is not followed: correct ANTHROPIC_BASE_URL`,
    );
    return;
  }
  response.writeHead(status, answerHeaders(incoming.headers));
  response.flushHeaders();
  pipeline(incoming, response, () => undefined);
}

function limitBody(request: IncomingMessage, maxBytes: number, onTooLarge: () => void): void {
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    const before = bytes;
    bytes += chunk.length;
    if (bytes > maxBytes && before <= maxBytes) onTooLarge();
  });
}

function urlOf(baseUrl: string, target: string): URL {
  const url = new URL(baseUrl);
  const [path = "", query] = splitOnce(target, "?");
  url.pathname = url.pathname.replace(/\/$/, "") + path;
  url.search = query ?? "";
  return url;
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
