import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";

/** Stands for a service elsewhere: MCP by http at /mcp, and in the older way, by sse, at /sse. */
export async function startFarServers(): Promise<{ place: string; server: Server }> {
  const streams = new Map<string, SSEServerTransport>();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://any");
    const answered = async (): Promise<void> => {
      if (pathname === "/mcp") {
        const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
        await weather().connect(transport);
        await transport.handleRequest(request, response);
      } else if (pathname === "/sse") {
        const transport = new SSEServerTransport("/messages", response);
        streams.set(transport.sessionId, transport);
        response.on("close", () => streams.delete(transport.sessionId));
        await weather().connect(transport);
      } else await streams.get(searchParams.get("sessionId") ?? "")?.handlePostMessage(request, response);
    };
    answered().catch(() => response.destroy());
  });
  await once(server.listen(0, "127.0.0.2"), "listening");
  return { place: `127.0.0.2:${(server.address() as AddressInfo).port}`, server };
}

function weather(): McpServer {
  const server = new McpServer({ name: "weather", version: "1.0.0" });
  const description = "Says the weather of a town";
  server.registerTool("forecast", { description, inputSchema: { town: z.string() } }, ({ town }) => ({
    content: [{ type: "text", text: `Sun in ${town}` }],
  }));
  return server;
}
