import { once } from "node:events";
import { type Server, createServer } from "node:http";
import { type ScriptedModelHandlerOptions, createScriptedModelHandler } from "./handler.ts";
import type { ScriptedModelRequest } from "./request-log.ts";

export interface ScriptedModelOptions extends ScriptedModelHandlerOptions {
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** A free one by default. */
  readonly port?: number;
  /** Listen on this path instead of a port. It must not exist yet. */
  readonly unixSocket?: string;
}

export interface ScriptedModel extends AsyncDisposable {
  /** The base URL for a harness, or `unix:PATH`. */
  readonly url: string;
  /** 0 with `unixSocket`. */
  readonly port: number;
  /** The last requests, oldest first. */
  readonly requests: readonly ScriptedModelRequest[];
  /** Ends the server and every open connection. */
  close(): Promise<void>;
}

/** Starts the scripted model. Rejects with the system's error when it cannot listen. */
export async function startScriptedModel(options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
  const { host = "127.0.0.1", port = 0, unixSocket } = options;
  const handler = createScriptedModelHandler(options);
  // A harness thinks for longer than Node's five seconds, and a connection closed at that moment would look like a fault.
  const server = createServer({ keepAliveTimeout: 600_000 }, handler);
  server.listen(unixSocket === undefined ? { host, port } : { path: unixSocket });
  await once(server, "listening");
  const boundPort = portOf(server);
  const close = (): Promise<void> => closeServer(server);
  return {
    url:
      unixSocket === undefined
        ? `http://${host.includes(":") ? `[${host}]` : host}:${boundPort}`
        : `unix:${unixSocket}`,
    port: boundPort,
    requests: handler.requests,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function portOf(server: Server): number {
  const address = server.address();
  return address === null || typeof address === "string" ? 0 : address.port;
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
