import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createNodeHandler, type AgentRuntime } from "@hhopkins/agent-runtime";
import { serveParent } from "./child.ts";

/** In a child: serves a runtime as an application would, REST and WebSocket on node:http, until the parent lets go. */
export async function serveRuntime(runtime: AgentRuntime, apiKey: string): Promise<void> {
  await runtime.start();
  const server = createServer(createNodeHandler(runtime.createRestServer({ apiKey })));
  const sockets = runtime.createWebSocketServer(server);
  server.listen(0, "127.0.0.1", () => {
    serveParent((server.address() as AddressInfo).port, async () => {
      await sockets.close();
      server.close();
      server.closeAllConnections();
      await runtime.shutdown();
    });
  });
}
