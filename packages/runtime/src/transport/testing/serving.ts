import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Authenticate } from "../../auth/principal.ts";
import { createNodeHandler } from "../node-handler.ts";
import { createRestApp, type RestAppOptions } from "../rest/app.ts";
import { createWebSocketTransport, type WebSocketTransportOptions } from "../websocket/index.ts";
import { MemorySessions } from "./memory-sessions.ts";

export const KEY = "test-key";
export const OTHER_KEY = "other-key";

/** Two tenants, one key each. */
export const twoTenants: Authenticate = (request) => {
  const key = request.headers.get("authorization")?.replace("Bearer ", "") ?? request.headers.get("x-api-key");
  if (key === KEY) return { id: "a", tenant: "a" };
  return key === OTHER_KEY ? { id: "b", tenant: "b" } : null;
};

export interface Serving extends AsyncDisposable {
  readonly sessions: MemorySessions;
  readonly server: Server;
  readonly url: string;
  readonly port: number;
  /** Stops and starts the network side on the same port; the sessions stay. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

interface ServingOptions {
  readonly rest?: Partial<RestAppOptions>;
  readonly webSocket?: Partial<WebSocketTransportOptions>;
}

/** Both transports over memory sessions, on a free port of this machine. */
export async function serve(options: ServingOptions = {}): Promise<Serving> {
  const sessions = new MemorySessions();
  const start = async (port: number) => {
    const app = createRestApp({ service: sessions, authenticate: twoTenants, ...options.rest });
    const server = createServer(createNodeHandler(app));
    const transport = createWebSocketTransport({
      service: sessions,
      authenticate: twoTenants,
      closeMs: 200,
      ...options.webSocket,
    });
    const attached = transport.attach(server);
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const stop = async (): Promise<void> => {
      await attached.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    return { server, stop };
  };
  let current = await start(0);
  const { port } = current.server.address() as AddressInfo;
  return {
    sessions,
    get server() {
      return current.server;
    },
    port,
    url: `http://127.0.0.1:${port}`,
    async restart() {
      await current.stop();
      current = await start(port);
    },
    stop: () => current.stop(),
    [Symbol.asyncDispose]: () => current.stop(),
  };
}
