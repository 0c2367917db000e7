// An agent with a skill that needs a package: node examples/skill-with-dependency/main.ts ["How long is 5400000 ms?"]
import { createAgentRuntime, createNodeHandler, profileFolder } from "@hhopkins/agent-runtime";
import { createAgentClient } from "@hhopkins/agent-runtime-client";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

const registry = process.env["NPM_REGISTRY"];
const runtime = await createAgentRuntime({
  // A folder for each profile; planner/.claude/skills/durations/SKILL.md names the package that its script needs.
  profiles: profileFolder(join(import.meta.dirname, "profiles")),
  // Installed once, in a sandbox that reaches nothing but the registry; the agent itself has no network.
  ...(registry === undefined ? {} : { registries: { npm: registry } }),
});
await runtime.start();
const server = createServer(createNodeHandler(runtime.createRestServer({ apiKey: "my-key" })));
const live = runtime.createWebSocketServer(server);
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;
const client = createAgentClient({ baseUrl: `http://127.0.0.1:${port}`, apiKey: "my-key" });

const { sessionId } = await client.createSession({ agentProfileRef: "planner", architecture: "claude-agent-sdk" });
await client.sendMessage(sessionId, process.argv[2] ?? "/durations 5400000");
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
  if (block.type === "error") console.log(`failed: ${block.message}`);
}

server.close();
await live.close();
await runtime.shutdown();
