// The founding document's server, with adapters that keep what they are given and a profile of our own.
import { createAgentRuntime, createNodeHandler, type AgentProfile } from "@hhopkins/agent-runtime";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { createServer } from "node:http";
import { join } from "node:path";

const dataDir = process.env["DATA_DIR"] ?? "data";

const reviewer: AgentProfile = {
  id: "reviewer",
  name: "Reviewer",
  systemPrompt: "You review code. You are brief, and you say what you would change first.",
  tools: ["Read", "Write", "Bash"],
  defaultWorkspaceFiles: [{ path: "REVIEW.md", content: "# Review\n" }],
};

const runtime = await createAgentRuntime({
  persistence: sqlitePersistence({ file: join(dataDir, "sessions.db"), profiles: [reviewer] }),
  sandbox: localSandbox({ dataDir }),
  idleTimeoutMs: 15 * 60 * 1000,
  syncIntervalMs: 30 * 1000,
});
await runtime.start();

// Without a key in the environment every request is refused.
const rest = runtime.createRestServer({ apiKey: process.env["API_KEY"] });
// Streams both ways, so the event stream at /sessions/:id/events works too.
const server = createServer(createNodeHandler(rest));
const live = runtime.createWebSocketServer(server);

server.listen(Number(process.env["PORT"] ?? 3001), "127.0.0.1", () => console.log("listening", server.address()));

async function stop(): Promise<void> {
  server.close();
  await live.close();
  await runtime.shutdown();
}

process.once("SIGTERM", () => void stop());
process.once("SIGINT", () => void stop());
