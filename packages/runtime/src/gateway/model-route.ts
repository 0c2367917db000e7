import type { IncomingMessage, ServerResponse } from "node:http";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { refuse } from "./answer.ts";
import { forward } from "./forward.ts";
import { isToken, shownToken, type Guest } from "./guests.ts";
import { answerHeaders, upstreamHeaders } from "./headers.ts";
import type { Credentials, GatewayIdentity, ModelUse } from "./port.ts";
import type { Upstream } from "./upstream.ts";
import { usageMeter, type UsageMeter } from "./usage-meter.ts";

export interface ModelRoute {
  readonly credentials: Credentials;
  readonly upstream: Upstream;
  readonly maxBodyBytes: number;
  readonly onAuthFailure: (identity: GatewayIdentity, status: number) => void;
  readonly onUse: (identity: GatewayIdentity, use: ModelUse) => void;
}

const METHODS = new Set(["GET", "HEAD", "POST"]);

/** What begins with `/v1/` is sent on to the base URL of the session's credential. */
export async function serveModel(
  request: IncomingMessage,
  response: ServerResponse,
  { guest, route }: { guest: Guest; route: ModelRoute },
): Promise<void> {
  const { identity } = guest;
  try {
    const target = admit(request, response, guest);
    if (target === null) return;
    const credential = await route.credentials(identity.session);
    if (response.destroyed) return;
    let meter: UsageMeter | null = null;
    forward(request, response, {
      upstream: route.upstream,
      url: urlOf(credential.baseUrl, target),
      headers: upstreamHeaders(request.headers, credential),
      maxBodyBytes: route.maxBodyBytes,
      onAnswer(incoming) {
        const status = incoming.statusCode ?? 502;
        if (status === 401 || status === 403) route.onAuthFailure(identity, status);
        if (status >= 300 && status < 400) {
          const message = `The model's address answers with a redirect (${status}), which is not followed: correct ANTHROPIC_BASE_URL`;
          refuse(response, 502, message);
          return null;
        }
        meter = readAlong(incoming, (use) => route.onUse(identity, use));
        return answerHeaders(incoming.headers);
      },
      // Broken off by either side: what was said until then was paid for.
      onDone: () => meter?.end(),
      onUnreachable: (error) => refuse(response, 502, `The model cannot be reached: ${error.message}`),
      onTooLarge: () => refuse(response, 413, `The request is larger than ${route.maxBodyBytes} bytes`),
    });
  } catch (error) {
    const noCredential = error instanceof RuntimeError && error.code === "model_auth_failed";
    if (noCredential) route.onAuthFailure(identity, 401);
    // What went wrong inside a foreign `credentials` is not for the sandbox to read.
    const message = error instanceof RuntimeError ? error.message : "The credential of the model could not be had";
    refuse(response, noCredential ? 401 : 503, message);
  }
}

function readAlong(incoming: IncomingMessage, onUse: (use: ModelUse) => void): UsageMeter | null {
  const meter = usageMeter(incoming.headers, onUse);
  if (meter === null) return null;
  incoming.on("data", (chunk: Buffer) => meter.take(chunk));
  incoming.once("end", () => meter.end());
  return meter;
}

/** Path and query of a request that may go on; null: it was answered here. */
function admit(request: IncomingMessage, response: ServerResponse, guest: Guest): string | null {
  const { method = "", url = "" } = request;
  if (!isToken(shownToken(request.headers), guest)) {
    refuse(response, 401, "This is not the token of this sandbox");
    return null;
  }
  const target = normalised(url);
  if (target === null) {
    refuse(response, 404, "The gateway sends on only what begins with /v1/");
    return null;
  }
  if (!METHODS.has(method)) {
    refuse(response, 405, `The gateway does not send on ${method}`);
    return null;
  }
  return target;
}

/** A path that climbs out of `/v1/` by dots is not one that begins with it. */
function normalised(target: string): string | null {
  if (!target.startsWith("/") || !URL.canParse(`http://gateway${target}`)) return null;
  const { pathname, search } = new URL(`http://gateway${target}`);
  return pathname.startsWith("/v1/") ? pathname + search : null;
}

function urlOf(baseUrl: string, target: string): URL {
  const url = new URL(baseUrl);
  const at = target.indexOf("?");
  url.pathname = url.pathname.replace(/\/$/, "") + (at === -1 ? target : target.slice(0, at));
  url.search = at === -1 ? "" : target.slice(at + 1);
  return url;
}
