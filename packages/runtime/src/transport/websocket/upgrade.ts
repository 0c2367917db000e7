import { BEARER_SUBPROTOCOL_PREFIX, WEBSOCKET_SUBPROTOCOL, type RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { problemResponse } from "../rest/problem.ts";

/** The path of an upgrade; null for an address that is none. */
export function upgradePath(request: IncomingMessage): string | null {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  return path.startsWith("/") ? path : null;
}

export function upgradeQuery(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? "/";
  const at = url.indexOf("?");
  return new URLSearchParams(at < 0 ? "" : url.slice(at + 1));
}

/** The upgrade as a Request, for `authenticate`. A browser's token, which comes as a subprotocol, stands in `authorization`. */
export function upgradeRequest(request: IncomingMessage): Request {
  const headers = new Headers();
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    headers.append(request.rawHeaders[index] ?? "", request.rawHeaders[index + 1] ?? "");
  }
  const token = subprotocolToken(headers.get("sec-websocket-protocol") ?? "");
  if (token !== null && !headers.has("authorization")) headers.set("authorization", `Bearer ${token}`);
  return new Request(new URL(request.url ?? "/", "http://localhost"), { headers });
}

function subprotocolToken(offered: string): string | null {
  for (const part of offered.split(",")) {
    const name = part.trim();
    if (!name.startsWith(BEARER_SUBPROTOCOL_PREFIX)) continue;
    const token = Buffer.from(name.slice(BEARER_SUBPROTOCOL_PREFIX.length), "base64url").toString("utf8");
    return /^[\x21-\x7e]+$/.test(token) ? token : null;
  }
  return null;
}

/** Picks our subprotocol where it is offered; a token is never echoed. */
export function chooseSubprotocol(offered: Set<string>): string | false {
  return offered.has(WEBSOCKET_SUBPROTOCOL) ? WEBSOCKET_SUBPROTOCOL : false;
}

/** Whether a page of this origin may connect; what is no browser has none. */
export function originAllowed(request: IncomingMessage, origins: readonly string[]): boolean {
  const origin = request.headers.origin;
  if (origin === undefined || origins.includes("*") || origins.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === request.headers.host;
}

/** Answers an upgrade as plain HTTP and closes. */
export async function refuseUpgrade(socket: Duplex, error: RuntimeError): Promise<void> {
  if (!socket.writable) return;
  const answer = problemResponse(error);
  const body = await answer.text();
  const lines = [`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ""}`];
  answer.headers.forEach((value, name) => lines.push(`${name}: ${value}`));
  lines.push(`content-length: ${Buffer.byteLength(body)}`, "connection: close", "", body);
  socket.end(lines.join("\r\n"), () => socket.destroy());
}
