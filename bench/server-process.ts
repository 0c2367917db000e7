/** The runtime as an application would serve it: REST and WebSocket on node:http, SQLite, bubblewrap. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createAgentRuntime, createNodeHandler } from "@hhopkins/agent-runtime";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { serveParent } from "./child.ts";

const [modelUrl = "", dataDir = "", apiKey = ""] = process.argv.slice(2);
const runtime = await createAgentRuntime({
  persistence: sqlitePersistence({ file: join(dataDir, "bench.db") }),
  sandbox: localSandbox({ dataDir }),
  credentials: () => ({ baseUrl: modelUrl, apiKey: "key-of-the-scripted-model" }),
});
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
