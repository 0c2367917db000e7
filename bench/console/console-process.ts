/**
 * The runtime on a feed instead of agents, with the console before it as the command serves it. Arguments: the key, a
 * SQLite file, and where the built console is if not where the build puts it.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAgentRuntime, createNodeHandler } from "@hhopkins/agent-runtime";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { consoleFiles } from "../../apps/server/src/serve/console-files.ts";
import { createConsoleHandler } from "../../apps/server/src/serve/console-handler.ts";
import { serveParent } from "../child.ts";
import { feedProvider } from "../fanout/feed-provider.ts";

const [apiKey = "", file = "", folder] = process.argv.slice(2);
const runtime = await createAgentRuntime({
  persistence: sqlitePersistence({ file }),
  sandbox: feedProvider(),
  credentials: () => ({ baseUrl: "http://127.0.0.1:9", apiKey: "none" }),
  shutdownGraceMs: 100,
});
await runtime.start();
const rest = createNodeHandler(runtime.createRestServer({ apiKey }));
const console = createConsoleHandler({ model: "scripted" }, folder === undefined ? undefined : consoleFiles([folder]));

const server = createServer((request, response) => {
  void console(request, response).then((isServed) => (isServed ? undefined : rest(request, response)));
});
const sockets = runtime.createWebSocketServer(server);
server.listen(0, "127.0.0.1", () => {
  serveParent((server.address() as AddressInfo).port, async () => {
    await sockets.close();
    server.close();
    server.closeAllConnections();
    for (const { sessionId } of runtime.sessionManager.getLoadedSessions())
      await runtime.sessionManager.unloadSession(sessionId);
    await runtime.shutdown();
  });
});
