import { createAgentRuntime, createNodeHandler } from "@hhopkins/agent-runtime";
import { createServer } from "node:http";

const runtime = await createAgentRuntime();
await runtime.start();

const rest = runtime.createRestServer({ apiKey: process.env.API_KEY });
const server = createServer(createNodeHandler(rest));
const live = runtime.createWebSocketServer(server);
server.listen(Number(process.env.PORT ?? 3001), () => console.log("listening", server.address()));

process.once("SIGTERM", () => {
  server.close();
  void live.close().then(() => runtime.shutdown());
});
