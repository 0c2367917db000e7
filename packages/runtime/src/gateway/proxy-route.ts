import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { refuseInWords, refuseTunnel } from "./answer.ts";
import { destinationOf, lookupOf, type Destination, type Refusal } from "./destination.ts";
import { forward } from "./forward.ts";
import { isToken, shownToProxy, type Guest } from "./guests.ts";
import { passedHeaders } from "./headers.ts";
import type { EgressRecord, GatewayIdentity } from "./port.ts";
import type { Upstream } from "./upstream.ts";

export interface ProxyRoute {
  readonly upstream: Upstream;
  readonly connectTimeoutMs: number;
  /** What the list of allowed hosts is called, for people who want to add to it. */
  readonly list: string;
  /** Tunnels that one sandbox may have at once. */
  readonly maxTunnels: number;
  readonly onEgress: (identity: GatewayIdentity, record: EgressRecord) => void;
}

interface Serving {
  readonly guest: Guest;
  readonly route: ProxyRoute;
}

const NO_TOKEN = "This proxy is for its own sandbox: use the address that HTTPS_PROXY has, token included.";

/** `list`: what the list is called where it is written down. */
function remedyIn(list: string): (place: string) => string {
  return (place) => {
    const plain = place.endsWith(":443") ? place.slice(0, -4) : place;
    return `${place} is not on the list of hosts that this sandbox may reach. Whoever runs the server can add ${plain} to its ${list}.`;
  };
}

/** A tunnel to an allowed host: bytes both ways, which the gateway does not look into. */
export async function serveTunnel(
  request: IncomingMessage,
  stream: Duplex,
  serving: Serving & { head: Buffer },
): Promise<void> {
  const { guest, route, head } = serving;
  if (!isToken(shownToProxy(request.headers), guest)) return refuseTunnel(stream, 407, NO_TOKEN);
  const [, host = "", port = "0"] = /^(.+):(\d{1,5})$/.exec(request.url ?? "") ?? [];
  const destination = await admitted(serving, { host, port: Number(port), way: "connect" });
  if ("status" in destination) return refuseTunnel(stream, destination.status, destination.reason);
  if (stream.destroyed) return;
  if (guest.tunnels >= route.maxTunnels)
    return refuseTunnel(
      stream,
      503,
      `This sandbox has ${route.maxTunnels} connections open: close some of them first.`,
    );
  tunnel(stream, { ...serving, head, destination });
}

function tunnel(
  stream: Duplex,
  { guest, route, head, destination }: Serving & { head: Buffer; destination: Destination },
): void {
  const { host, port } = destination;
  const far = connect({ host, port, lookup: lookupOf(destination), noDelay: true, keepAlive: true });
  const late = setTimeout(() => far.destroy(new Error("no connection in time")), route.connectTimeoutMs);
  let open = false;
  guest.tunnels += 1;
  guest.streams.add(far);
  far.once("connect", () => {
    open = true;
    clearTimeout(late);
    stream.write("HTTP/1.1 200 Connection established\r\n\r\n");
    if (head.length > 0) far.write(head);
    stream.pipe(far);
    far.pipe(stream);
  });
  far.once("error", (error) => {
    if (open) stream.destroy();
    else refuseTunnel(stream, 502, `${host} cannot be reached: ${error.message}`);
  });
  far.once("close", () => {
    clearTimeout(late);
    guest.tunnels -= 1;
    guest.streams.delete(far);
    if (open) stream.end();
    const bytes = { bytesSent: far.bytesWritten, bytesReceived: far.bytesRead };
    route.onEgress(guest.identity, { host, port, way: "connect", allowed: true, ...bytes });
  });
  stream.once("close", () => far.destroy());
}

/** `GET http://example.com/…`, as proxies are asked for what is not encrypted. */
export async function serveProxied(
  request: IncomingMessage,
  response: ServerResponse,
  serving: Serving,
): Promise<void> {
  const { guest, route } = serving;
  if (!isToken(shownToProxy(request.headers), guest)) return refuseInWords(response, 407, NO_TOKEN);
  const url = URL.canParse(request.url ?? "") ? new URL(request.url ?? "") : null;
  if (url?.protocol !== "http:")
    return refuseInWords(response, 400, "This proxy takes http:// addresses, and CONNECT for everything else.");
  const destination = await admitted(serving, { host: url.hostname, port: Number(url.port || 80), way: "http" });
  if ("status" in destination) return refuseInWords(response, destination.status, destination.reason);
  if (response.destroyed) return;
  const { host, port } = destination;
  forward(request, response, {
    upstream: route.upstream,
    url,
    headers: { ...passedHeaders(request.headers), host: url.host },
    lookup: lookupOf(destination),
    onAnswer: (incoming) => passedHeaders(incoming.headers),
    onUnreachable: (error) => refuseInWords(response, 502, `${host} cannot be reached: ${error.message}`),
    onDone: ({ sent, received }) =>
      route.onEgress(guest.identity, {
        host,
        port,
        way: "http",
        allowed: true,
        bytesSent: sent,
        bytesReceived: received,
      }),
  });
}

async function admitted(
  { guest, route }: Serving,
  wish: { readonly host: string; readonly port: number; readonly way: EgressRecord["way"] },
): Promise<Destination | Refusal> {
  const { host, port, way } = wish;
  const destination = await destinationOf(
    { host, port, rules: guest.allowed, remedy: remedyIn(route.list) },
    guest.lookup,
  );
  if ("status" in destination) {
    const record = { host: host.slice(0, 253), port, way, reason: destination.reason };
    route.onEgress(guest.identity, { ...record, allowed: false, bytesSent: 0, bytesReceived: 0 });
  }
  return destination;
}
