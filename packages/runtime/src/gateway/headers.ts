import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { TOKEN_HEADER } from "./guests.ts";
import type { ModelCredential } from "./port.ts";

/** Of one connection only (RFC 9110, 7.6.1). */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** The sandbox's own, which the gateway puts its own in place of. Its answers are read along, so they come as they are. */
const OF_THE_SANDBOX = [
  "host",
  "authorization",
  "x-api-key",
  "cookie",
  "expect",
  "content-length",
  "accept-encoding",
  TOKEN_HEADER,
];

/** What the model must not set in the sandbox. */
const OF_THE_MODEL = ["set-cookie", "alt-svc", "strict-transport-security"];

/** Headers of the request to the model: the sandbox's, without its token, with the real credential. */
export function upstreamHeaders(sent: IncomingHttpHeaders, credential: ModelCredential): OutgoingHttpHeaders {
  const headers = without(sent, OF_THE_SANDBOX);
  headers["accept-encoding"] = "identity";
  // Its length when it has said one: a body without a length goes on in chunks, as it came.
  if (sent["content-length"] !== undefined) headers["content-length"] = sent["content-length"];
  for (const [name, value] of Object.entries(credential.headers ?? {})) headers[name.toLowerCase()] = value;
  if (credential.apiKey !== undefined) headers["x-api-key"] = credential.apiKey;
  if (credential.authToken !== undefined) headers["authorization"] = `Bearer ${credential.authToken}`;
  return headers;
}

export function answerHeaders(received: IncomingHttpHeaders): OutgoingHttpHeaders {
  return without(received, OF_THE_MODEL);
}

/** Headers of a request or an answer that only passes through: all but those of the one connection, and the token. */
export function passedHeaders(headers: IncomingHttpHeaders, token?: string): OutgoingHttpHeaders {
  const passed = without(headers, [TOKEN_HEADER]);
  if (token === undefined) return passed;
  const shows = (value: unknown): boolean =>
    typeof value === "string" && (value.includes(token) || decoded(value).includes(token));
  return Object.fromEntries(Object.entries(passed).filter(([, value]) => !shows(value)));
}

function decoded(header: string): string {
  const [, encoded] = /^Basic (.+)$/i.exec(header) ?? [];
  return encoded === undefined ? "" : Buffer.from(encoded, "base64").toString();
}

function without(headers: IncomingHttpHeaders, names: readonly string[]): OutgoingHttpHeaders {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  const left = new Set([...HOP_BY_HOP, ...names, ...named]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !left.has(name)));
}
