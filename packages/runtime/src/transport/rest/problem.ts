import { RuntimeError, toProblem, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import { HTTPException } from "hono/http-exception";

/** Where the store fails and nobody knows better. */
const STORE_RETRY_SECONDS = 5;

/** The answer to an error: a problem document, with `Retry-After` and `WWW-Authenticate` where they belong. */
export function problemResponse(error: RuntimeError, headers: Record<string, string> = {}): Response {
  const retryAfter = error.retryAfter ?? (error.code === "persistence_unavailable" ? STORE_RETRY_SECONDS : undefined);
  return new Response(JSON.stringify(toProblem(error)), {
    status: error.status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...(retryAfter === undefined ? {} : { "retry-after": String(Math.ceil(retryAfter)) }),
      ...(error.status === 401 ? { "www-authenticate": "Bearer" } : {}),
      ...headers,
    },
  });
}

/** Any thrown thing as our error. What the framework refuses is the client's fault; everything else is ours. */
export function asRuntimeError(error: unknown): RuntimeError {
  if (error instanceof HTTPException && error.status >= 400 && error.status < 500) {
    return new RuntimeError("invalid_request", error.message || "The request is not valid.", { cause: error });
  }
  return toRuntimeError(error);
}
