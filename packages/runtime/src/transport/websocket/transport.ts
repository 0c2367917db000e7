import { RuntimeError, TOKEN_EXPIRED_CLOSE, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { authenticated } from "../../auth/authentication.ts";
import type { Authenticate, Principal } from "../../auth/principal.ts";
import { remainingMs } from "../../auth/remaining-time.ts";
import { TRANSPORT_LIMITS, type TransportLimits } from "../limits.ts";
import type { SessionService } from "../../session/service.ts";
import { SILENT_LOG, type TransportLog } from "../transport-log.ts";
import { Connection } from "./connection.ts";
import { Outbox } from "./outbox.ts";
import {
  chooseSubprotocol,
  originAllowed,
  refuseUpgrade,
  upgradePath,
  upgradeQuery,
  upgradeRequest,
} from "./upgrade.ts";

export interface WebSocketTransportOptions {
  readonly service: SessionService;
  readonly authenticate: Authenticate;
  readonly limits?: Partial<TransportLimits>;
  /** Paths that are served; `/ws` and `/` by default. Other upgrades belong to somebody else. */
  readonly paths?: readonly string[];
  /**
   * Origins whose pages may connect, besides the server's own; not looked at where absent. A server without keys
   * (`auth: "none"`) gives at least an empty list, or every page that its user visits could connect.
   */
  readonly allowedOrigins?: readonly string[];
  /** Milliseconds between pings; who misses one until the next is ended. 30 s by default. */
  readonly heartbeatMs?: number;
  /**
   * Bytes that may wait for one client before the runtime stops reading on for it; 256 KB by default. Deltas that
   * gather meanwhile are merged.
   */
  readonly bufferBytes?: number;
  /** Milliseconds that clients have to answer a close; 2 s by default. */
  readonly closeMs?: number;
  readonly log?: TransportLog;
}

export interface AttachedWebSocketServer {
  /** Stops taking connections and closes those that are there with code 1001. Resolves when all are gone. */
  close(): Promise<void>;
}

export interface WebSocketTransport {
  attach(server: Server): AttachedWebSocketServer;
}

/** The live events over WebSockets. Nothing that a client sends can throw out of it. */
export function createWebSocketTransport(options: WebSocketTransportOptions): WebSocketTransport {
  return { attach: (server) => attach(server, options) };
}

function attach(server: Server, options: WebSocketTransportOptions): AttachedWebSocketServer {
  const paths = new Set(options.paths ?? ["/ws", "/"]);
  const maxPayload = options.limits?.frameBytes ?? TRANSPORT_LIMITS.frameBytes;
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload,
    perMessageDeflate: false,
    autoPong: false,
    handleProtocols: chooseSubprotocol,
  });
  const connections = new Set<Connection>();

  const connect = (
    webSocket: WebSocket,
    client: { socket: Duplex; principal: Principal; request: IncomingMessage },
  ): void => {
    const connection = new Connection({
      service: options.service,
      principal: client.principal,
      webSocket,
      outbox: new Outbox(webSocket, client.socket, options.bufferBytes ?? 256 * 1024),
      messageBytes: options.limits?.messageBytes ?? TRANSPORT_LIMITS.messageBytes,
      log: options.log ?? SILENT_LOG,
    });
    connections.add(connection);
    const expiry = setTimeout(
      () => connection.close(TOKEN_EXPIRED_CLOSE, "token expired"),
      remainingMs(client.principal),
    );
    expiry.unref();
    webSocket.on("close", () => {
      clearTimeout(expiry);
      connections.delete(connection);
    });
    const query = upgradeQuery(client.request);
    const sessionId = query.get("sessionId");
    if (sessionId !== null)
      connection.joinAtOnce({
        sessionId,
        after: query.get("after"),
        logId: query.get("logId"),
        conversation: query.get("conversation"),
      });
  };

  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    try {
      const principal = await admit(request, options);
      if (closing) throw new RuntimeError("shutting_down", "The server is shutting down.");
      if (!socket.writable) return;
      webSockets.handleUpgrade(request, socket, head, (webSocket) =>
        connect(webSocket, { socket, principal, request }),
      );
    } catch (error) {
      const known = toRuntimeError(error);
      if (known.code === "internal") options.log?.error({ err: error }, "An upgrade failed");
      await refuseUpgrade(socket, known);
    }
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const path = upgradePath(request);
    if (path === null || !paths.has(path)) {
      if (server.listenerCount("upgrade") > 1) return;
      socket.on("error", () => {});
      void refuseUpgrade(socket, new RuntimeError("not_found", "There is nothing at this path."));
      return;
    }
    socket.on("error", () => {});
    void upgrade(request, socket, head);
  };

  let closing: Promise<void> | undefined;
  const heartbeat = setInterval(() => {
    for (const connection of connections) connection.beat();
  }, options.heartbeatMs ?? 30_000);
  heartbeat.unref();
  server.on("upgrade", onUpgrade);

  const close = async (): Promise<void> => {
    clearInterval(heartbeat);
    server.off("upgrade", onUpgrade);
    for (const connection of connections) connection.close(1001, "server is going away");
    await allClosed(webSockets, options.closeMs ?? 2000);
  };
  return { close: () => (closing ??= close()) };
}

async function admit(request: IncomingMessage, options: WebSocketTransportOptions): Promise<Principal> {
  if (options.allowedOrigins !== undefined && !originAllowed(request, options.allowedOrigins)) {
    throw new RuntimeError("forbidden", "Pages of this origin may not connect.");
  }
  return authenticated(options.authenticate, asRequest(request));
}

function asRequest(request: IncomingMessage): Request {
  try {
    return upgradeRequest(request);
  } catch (cause) {
    throw new RuntimeError("invalid_request", "The request's address or headers are not valid.", { cause });
  }
}

/** Waits for the clients to go; who has not gone after `graceMs` is cut off. */
async function allClosed(webSockets: WebSocketServer, graceMs: number): Promise<void> {
  const clients = [...webSockets.clients];
  const gone = Promise.all(clients.map((client) => new Promise((resolve) => client.once("close", resolve))));
  const cut = setTimeout(() => {
    for (const client of clients) client.terminate();
  }, graceMs);
  await gone;
  clearTimeout(cut);
}
