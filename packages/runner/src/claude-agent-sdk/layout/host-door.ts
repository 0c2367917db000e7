import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";

/** A port of the sandbox's own loopback that stands for one host. */
export interface HostDoor {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  close(): void;
}

/**
 * Opens a port whose every path leads to the host by the gateway, which puts secrets in. A client that makes addresses
 * from its server's, as those of MCP do, stays on the way.
 * @param hostsUrl of the gateway: `http://…/token/TOKEN/hosts`
 * @param host with its port, where it has one
 * @param onRefusal is told what refuses: the gateway says why in its status line
 */
export async function openHostDoor(
  hostsUrl: string,
  host: string,
  onRefusal: (words: string) => void = () => undefined,
): Promise<HostDoor> {
  const { origin, pathname } = new URL(hostsUrl);
  const server = createServer((incoming, response) => {
    const path = incoming.url ?? "/";
    // The gateway's own redirects have the whole way in them already.
    const url = `${origin}${path.startsWith(`${pathname}/`) ? path : `${pathname}/${host}${path}`}`;
    relay(incoming, response, { url, onRefusal });
  });
  server.on("clientError", (_error, socket) => void socket.destroy());
  server.requestTimeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Way {
  readonly url: string;
  readonly onRefusal: (words: string) => void;
}

function relay(incoming: IncomingMessage, response: ServerResponse, { url, onRefusal }: Way): void {
  const { host: _host, ...headers } = incoming.headers;
  const outgoing = request(url, { method: incoming.method ?? "GET", headers, agent: false }, (answer) => {
    const { statusCode: status = 502, statusMessage = "" } = answer;
    if (status === 401 || status === 403 || status >= 500) onRefusal(`HTTP ${status} ${statusMessage}`);
    response.writeHead(status, answer.headers);
    response.flushHeaders();
    // Whichever side breaks off ends the other.
    pipeline(answer, response, () => undefined);
  });
  outgoing.on("error", (error) => {
    if (response.headersSent) return void response.destroy();
    response.writeHead(502, { "content-type": "text/plain" }).end(`The gateway cannot be reached: ${error.message}\n`);
  });
  response.on("close", () => outgoing.destroy());
  pipeline(incoming, outgoing, () => undefined);
}
