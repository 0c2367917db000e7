/** The runtime as an application would serve it, on a feed instead of agents. Arguments: the key, and a SQLite file if not memory. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAgentRuntime, createNodeHandler } from "@hhopkins/agent-runtime";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { serveParent } from "../child.ts";
import { feedProvider } from "./feed-provider.ts";

const [apiKey = "", file] = process.argv.slice(2);
const runtime = await createAgentRuntime({
  persistence: file === undefined ? memoryPersistence() : sqlitePersistence({ file }),
  sandbox: feedProvider(),
  credentials: () => ({ baseUrl: "http://127.0.0.1:9", apiKey: "none" }),
  shutdownGraceMs: 100,
});
await runtime.start();
const server = createServer(createNodeHandler(runtime.createRestServer({ apiKey })));
const sockets = runtime.createWebSocketServer(server);

/** What is held after a garbage collection: JavaScript's memory and buffers, and what keeps the process awake, by kind. */
function holds(): { bytes: number; resources: Record<string, number> } {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return { bytes: heapUsed + external, resources };
}

process.on("message", () => process.send?.(holds()));
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  serveParent((server.address() as AddressInfo).port, async () => {
    await sockets.close();
    server.close();
    server.closeAllConnections();
    for (const { sessionId } of runtime.sessionManager.getLoadedSessions())
      await runtime.sessionManager.unloadSession(sessionId);
    await runtime.shutdown();
  });
});
