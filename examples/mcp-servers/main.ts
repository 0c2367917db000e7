// An agent with an MCP server of each kind: node examples/mcp-servers/main.ts ["Note the weather of Oslo."]
import { createAgentRuntime, createNodeHandler, type AgentProfile } from "@hhopkins/agent-runtime";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { createAgentClient } from "@hhopkins/agent-runtime-client";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { startFarServers } from "./far-servers.ts";

const far = await startFarServers();
const project = join(import.meta.dirname, "bundled");

const connected: AgentProfile = {
  id: "connected",
  name: "Connected",
  tools: ["Read"],
  bundledMCPs: [
    {
      name: "notes",
      description: "Notes of this conversation",
      localProjectPath: project,
      // Runs once, in a sandbox of its own, and is kept; with packages it would be `npm ci`.
      installCommand: "node --check server.mjs",
      startCommand: "node server.mjs the-bundled-one",
    },
  ],
  externalMCPs: [
    // A program of the sandbox: one that npmDependencies bring, or a file of the workspace.
    { name: "diary", command: "node", args: ["tools/diary.mjs", "the-one-by-command"] },
    { type: "http", name: "weather", url: `http://${far.place}/mcp` },
    // With a login it would be `headers: { Authorization: { secret: "WEATHER", hosts: ["weather.example"] } }`.
    { type: "sse", name: "old-weather", url: `http://${far.place}/sse` },
  ],
  defaultWorkspaceFiles: [{ path: "tools/diary.mjs", content: readFileSync(join(project, "server.mjs"), "utf8") }],
};

const runtime = await createAgentRuntime({
  persistence: memoryPersistence({ profiles: [connected] }),
  network: { allowedHosts: [far.place] },
});
await runtime.start();
const server = createServer(createNodeHandler(runtime.createRestServer({ apiKey: "my-key" })));
const live = runtime.createWebSocketServer(server);
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;
const client = createAgentClient({ baseUrl: `http://127.0.0.1:${port}`, apiKey: "my-key" });

const { sessionId } = await client.createSession({ agentProfileRef: "connected", architecture: "claude-agent-sdk" });
await client.sendMessage(
  sessionId,
  process.argv[2] ?? "What is the weather in Oslo? Ask both services, note it, and write it into the diary.",
);
const over = Promise.withResolvers<void>();
const following = client.follow(sessionId, {
  onEvent(event) {
    if (event.type === "session:turn:completed") over.resolve();
  },
});
await over.promise;
following.stop();
const { blocks } = await client.getSession(sessionId);
for (const block of blocks) {
  if (block.type === "tool_use") console.log(`${block.toolName} ${JSON.stringify(block.input)}`);
  if (block.type === "tool_result" || block.type === "assistant_text") console.log(block.content);
  // A server that does not start is a block of the type system, with what it said last.
  if (block.type === "system" || block.type === "error") console.log(JSON.stringify(block));
}

server.close();
await live.close();
await runtime.shutdown();
far.server.closeAllConnections();
far.server.close();
