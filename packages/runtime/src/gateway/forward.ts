import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { LookupFunction } from "node:net";
import { pipeline } from "node:stream";
import type { Mask } from "./mask.ts";
import type { Upstream } from "./upstream.ts";

export interface ForwardOptions {
  readonly upstream: Upstream;
  readonly url: URL;
  readonly headers: OutgoingHttpHeaders;
  readonly lookup?: LookupFunction;
  /** What the sandbox must not see in the answer's body. */
  readonly mask?: Mask;
  readonly maxBodyBytes?: number;
  /** The answer begins: its headers for the sandbox; null: the sandbox was answered already. */
  readonly onAnswer: (incoming: IncomingMessage) => OutgoingHttpHeaders | null;
  /** There will be no answer. */
  readonly onUnreachable: (error: Error) => void;
  readonly onTooLarge?: () => void;
  readonly onDone?: (bytes: { readonly sent: number; readonly received: number }) => void;
}

/** Sends a sandbox's request on and the answer back, as the bytes come, at the pace of the slower side. */
export function forward(request: IncomingMessage, response: ServerResponse, options: ForwardOptions): void {
  const bytes = { sent: 0, received: 0 };
  const outgoing = options.upstream.request(options.url, {
    method: request.method ?? "GET",
    headers: options.headers,
    ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
  });
  let answered = false;
  outgoing.once("response", (incoming) => {
    answered = true;
    const headers = options.onAnswer(incoming);
    if (headers === null) return void incoming.destroy();
    response.writeHead(incoming.statusCode ?? 502, headers);
    response.flushHeaders();
    incoming.on("data", (chunk: Buffer) => (bytes.received += chunk.length));
    if (options.mask === undefined) pipeline(incoming, response, () => undefined);
    else pipeline(incoming, options.mask.stream(), response, () => undefined);
  });
  outgoing.on("error", (error) => {
    // After the answer has begun its own stream tells; who answers may well refuse before reading a whole body.
    if (!answered) options.onUnreachable(error);
  });
  // The sandbox has gone away, or has its answer: nobody need go on.
  response.once("close", () => {
    outgoing.destroy();
    options.onDone?.(bytes);
  });
  request.on("data", (chunk: Buffer) => {
    const before = bytes.sent;
    bytes.sent += chunk.length;
    const limit = options.maxBodyBytes ?? Number.POSITIVE_INFINITY;
    if (bytes.sent <= limit || before > limit) return;
    request.unpipe(outgoing);
    outgoing.destroy();
    options.onTooLarge?.();
  });
  request.pipe(outgoing);
}
