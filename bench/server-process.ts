/** The runtime as an application would serve it: REST and WebSocket on node:http, SQLite, bubblewrap. */
import { join } from "node:path";
import { createAgentRuntime } from "@hhopkins/agent-runtime";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { serveRuntime } from "./serve-runtime.ts";

const [modelUrl = "", dataDir = "", apiKey = ""] = process.argv.slice(2);
const runtime = await createAgentRuntime({
  persistence: sqlitePersistence({ file: join(dataDir, "bench.db") }),
  sandbox: localSandbox({ dataDir }),
  credentials: () => ({ baseUrl: modelUrl, apiKey: "key-of-the-scripted-model" }),
});
await serveRuntime(runtime, apiKey);
