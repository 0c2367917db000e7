import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { refuse } from "./answer.ts";
import type { StreamGateway } from "./gateway.ts";
import { PUBLIC_PATH } from "./public-route.ts";

export interface PublicServer {
  readonly url: string;
  close(): Promise<void>;
}

/** An HTTP server with the gateway at `/gateway`, and nothing else. Throws `port_in_use`, `invalid_configuration`. */
export async function listenForSandboxes(
  gateway: Pick<StreamGateway, "request">,
  { host, port }: { host: string; port: number },
): Promise<PublicServer> {
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    const { url = "" } = request;
    if (!url.startsWith(`${PUBLIC_PATH}/`)) return refuse(response, 404, `The gateway is at ${PUBLIC_PATH}/`);
    request.url = url.slice(PUBLIC_PATH.length);
    gateway.request(request, response);
  });
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === "EADDRINUSE";
    const message = `The gateway cannot listen on ${host} port ${port}: ${String(cause)}. See --host and --port.`;
    throw new RuntimeError(taken ? "port_in_use" : "invalid_configuration", message, { cause });
  }
  server.on("error", () => undefined);
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}${PUBLIC_PATH}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
