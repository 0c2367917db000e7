// An agent that may not delete anything unasked: node examples/approval/main.ts, and approve.ts in another terminal.
import { createAgentRuntime, createNodeHandler, type AgentProfile } from "@hhopkins/agent-runtime";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { createAgentClient } from "@hhopkins/agent-runtime-client";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const careful: AgentProfile = {
  id: "careful",
  name: "Careful",
  tools: ["Read", "Bash"],
  // Everything else is done at once.
  permissions: { ask: ["Bash(rm *)"] },
  // Who does not answer within a day has said no.
  asks: { expiresAfterMs: 24 * 60 * 60 * 1000 },
  defaultWorkspaceFiles: [{ path: "old.txt", content: "old\n" }],
};

const runtime = await createAgentRuntime({
  persistence: sqlitePersistence({ file: "approval.db", profiles: [careful] }),
});
await runtime.start();
const server = createServer(createNodeHandler(runtime.createRestServer({ apiKey: "my-key" })));
const live = runtime.createWebSocketServer(server);
await once(server.listen(0, "127.0.0.1"), "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const client = createAgentClient({ baseUrl: url, apiKey: "my-key" });

const { sessionId } = await client.createSession({ agentProfileRef: "careful", architecture: "claude-agent-sdk" });
await client.sendMessage(sessionId, process.argv[2] ?? "Remove old.txt with rm.");
const over = Promise.withResolvers<void>();
let waits = false;
const following = client.follow(sessionId, {
  onState({ asks, turn, queue }) {
    if (asks.length > 0 && !waits) console.log(`waiting: node approve.ts ${url} ${sessionId}`);
    waits = asks.length > 0;
    if (turn === null && queue.length === 0) over.resolve();
  },
});
await over.promise;
following.stop();
const { blocks, workspaceFiles } = await client.getSession(sessionId);
for (const block of blocks) if (block.type === "assistant_text") console.log(block.content);
console.log(`files: ${workspaceFiles.map(({ path }) => path).join(", ")}`);

server.close();
await live.close();
await runtime.shutdown();
