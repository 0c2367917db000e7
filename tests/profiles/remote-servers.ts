import { once } from "node:events";
import { createServer as createHttp, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

/** A real MCP server over the network, which counts its calls. */
export interface RemoteServer extends AsyncDisposable {
  /** `127.0.0.2:PORT` */
  readonly place: string;
  /** Calls of its tool. */
  readonly calls: { count: number };
  /** What requests were let in with. */
  readonly authorizations: Set<string | undefined>;
}

export const HOST = "127.0.0.2";

interface RemoteOptions {
  readonly kind: "http" | "sse";
  /** By HTTPS with these. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Requests must have it. */
  readonly authorization?: string;
}

export async function startRemoteServer({ kind, tls, authorization }: RemoteOptions): Promise<RemoteServer> {
  const calls = { count: 0 };
  const authorizations = new Set<string | undefined>();
  const serve = kind === "http" ? streamable(calls) : events(calls);
  const listener: RequestListener = (request, response) => {
    authorizations.add(request.headers.authorization);
    if (authorization !== undefined && request.headers.authorization !== authorization) {
      response.writeHead(403).end("a wrong key");
      return;
    }
    serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  };
  const server = tls === undefined ? createHttp(listener) : createHttps(tls, listener);
  server.listen(0, HOST);
  await once(server, "listening");
  return {
    place: `${HOST}:${(server.address() as AddressInfo).port}`,
    calls,
    authorizations,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

type Serve = (request: IncomingMessage, response: Parameters<RequestListener>[1]) => Promise<void>;

function counter(calls: { count: number }): McpServer {
  const server = new McpServer({ name: "remote", version: "1.0.0" });
  server.registerTool("count", { description: "COUNTS far away" }, () => {
    calls.count += 1;
    return { content: [{ type: "text", text: `far call ${calls.count}` }] };
  });
  server.registerTool("repeat", { description: "REPEATS the headers of its request" }, ({ requestInfo }) => ({
    content: [{ type: "text", text: JSON.stringify(requestInfo?.headers ?? {}) }],
  }));
  return server;
}

/** Without a session: a server for each request. */
function streamable(calls: { count: number }): Serve {
  return async (request, response) => {
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    await counter(calls).connect(transport);
    await transport.handleRequest(request, response);
  };
}

/** The older way: a stream of events, which names the path that messages are posted to. */
function events(calls: { count: number }): Serve {
  const open = new Map<string, SSEServerTransport>();
  return async (request, response) => {
    if (request.method === "GET") {
      const transport = new SSEServerTransport("/messages", response);
      open.set(transport.sessionId, transport);
      response.on("close", () => open.delete(transport.sessionId));
      await counter(calls).connect(transport);
      return;
    }
    const id = new URL(request.url ?? "/", "http://any").searchParams.get("sessionId") ?? "";
    await open.get(id)?.handlePostMessage(request, response);
  };
}
