import type { ServerResponse } from "node:http";

/** Kinds of errors in the form that Anthropic's API answers with, by HTTP status. */
const TYPES = {
  401: "authentication_error",
  404: "not_found_error",
  405: "invalid_request_error",
  413: "request_too_large",
  502: "api_error",
  503: "api_error",
} as const;

/** Refuses in the form that harnesses understand. Once an answer has begun, it can only be cut off. */
export function refuse(response: ServerResponse, status: keyof typeof TYPES, message: string): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = JSON.stringify({ type: "error", error: { type: TYPES[status], message } });
  // Of a request that is refused the body may not have been read: what still comes is thrown away, with the connection.
  response.req.resume();
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  });
  response.end(body);
}
