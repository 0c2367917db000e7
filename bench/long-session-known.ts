/** Starts a runtime on a SQLite file with its sessions and says its RSS, in bytes. */
import { createAgentRuntime } from "@hhopkins/agent-runtime";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { feedProvider } from "./fanout/feed-provider.ts";

const [file = ""] = process.argv.slice(2);
const runtime = await createAgentRuntime({
  persistence: sqlitePersistence({ file }),
  sandbox: feedProvider(),
  credentials: () => ({ baseUrl: "http://127.0.0.1:9", apiKey: "none" }),
});
await runtime.start();
const rest = runtime.createRestServer({ apiKey: "key" });
await rest.fetch(new Request("http://bench.test/sessions", { headers: { "x-api-key": "key" } }));
globalThis.gc?.();
console.log(process.memoryUsage().rss);
await runtime.shutdown();
