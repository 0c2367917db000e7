import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";

const HOST = "127.0.0.2";

/** A tool whose effect is outside of any sandbox: what it was called with, in order. */
export interface FarTool extends AsyncDisposable {
  /** `127.0.0.2:PORT` */
  readonly place: string;
  readonly url: string;
  readonly effects: string[];
  /** While true, calls have their effect and are not answered. */
  holds: boolean;
}

/** The tool as a model calls it; its MCP server is named `far`. */
export function effect(word: string): { name: string; input: Record<string, unknown> } {
  return { name: "mcp__far__effect", input: { word } };
}

export async function startFarTool(): Promise<FarTool> {
  const effects: string[] = [];
  const http = createServer((request, response) => {
    // Without a session: a server for each request.
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    mcpServer()
      .connect(transport as never)
      .then(() => transport.handleRequest(request, response))
      .catch((error: unknown) => response.destroy(error as Error));
  });
  http.listen(0, HOST);
  await once(http, "listening");
  const place = `${HOST}:${(http.address() as AddressInfo).port}`;
  const far: FarTool = {
    place,
    url: `http://${place}/mcp`,
    effects,
    holds: false,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };

  function mcpServer(): McpServer {
    const server = new McpServer({ name: "far", version: "1.0.0" });
    server.registerTool("effect", { description: "Has an effect", inputSchema: { word: z.string() } }, ({ word }) => {
      effects.push(word);
      if (far.holds) return new Promise(() => undefined);
      return { content: [{ type: "text", text: `did ${word}` }] };
    });
    return server;
  }
  return far;
}
