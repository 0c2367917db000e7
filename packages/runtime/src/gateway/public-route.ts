import { request as httpRequest, type IncomingMessage } from "node:http";
import { duplexPair, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { UNKNOWN_TOKEN, type StreamGateway } from "./gateway.ts";
import { shownToken } from "./guests.ts";

/** Below this path a server has the gateway for sandboxes that come by HTTP. */
export const PUBLIC_PATH = "/gateway";

/**
 * Serves what a sandbox elsewhere sends to `/gateway/…`: the request goes on as over the sandbox's own stream, once its
 * token has said whose it is.
 */
export function publicRoute(gateway: Pick<StreamGateway, "guestOf">): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    const path = pathname.slice(PUBLIC_PATH.length) + search;
    const headers = Object.fromEntries(request.headers);
    const [, inPath] = /^\/token\/([\w-]+)\//.exec(path) ?? [];
    const guest = gateway.guestOf(inPath ?? shownToken(headers) ?? "");
    if (guest === null) {
      const error = { type: "error", error: { type: "authentication_error", message: UNKNOWN_TOKEN } };
      return Response.json(error, { status: 401 });
    }
    const [ours, theirs] = duplexPair();
    guest.handle(theirs);
    const outgoing = httpRequest({
      createConnection: () => ours,
      method: request.method,
      path,
      headers: { ...headers, connection: "close" },
    });
    request.signal.addEventListener("abort", () => ours.destroy(), { once: true });
    const answered = answerOf(outgoing);
    if (request.body === null) outgoing.end();
    else void pipeline(Readable.fromWeb(request.body), outgoing).catch(() => undefined);
    return answered;
  };
}

function answerOf(outgoing: ReturnType<typeof httpRequest>): Promise<Response> {
  return new Promise((resolve, reject) => {
    outgoing.once("error", reject);
    outgoing.once("response", (incoming: IncomingMessage) => {
      const status = incoming.statusCode ?? 502;
      const headers = new Headers();
      for (const [name, value] of Object.entries(incoming.headersDistinct))
        for (const one of value ?? []) if (!OF_THE_PIPE.has(name)) headers.append(name, one);
      const hasBody = status !== 204 && status !== 304;
      if (!hasBody) incoming.resume();
      resolve(new Response(hasBody ? Readable.toWeb(incoming) : null, { status, headers }));
    });
  });
}

const OF_THE_PIPE = new Set(["connection", "keep-alive", "transfer-encoding"]);
