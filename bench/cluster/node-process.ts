/** One of several servers on one PostgreSQL, as an application would serve it: REST and WebSocket on node:http. */
import { createAgentRuntime, type PersistenceAdapter } from "@hhopkins/agent-runtime";
import { natsBus } from "@hhopkins/agent-runtime/bus/nats";
import { redisBus } from "@hhopkins/agent-runtime/bus/redis";
import { postgresPersistence } from "@hhopkins/agent-runtime/persistence/postgres";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { serveRuntime } from "../serve-runtime.ts";

const [settings = "{}"] = process.argv.slice(2);
const { modelUrl, dataDir, apiKey, database, schema, bus } = JSON.parse(settings) as {
  modelUrl: string;
  dataDir: string;
  apiKey: string;
  database: string;
  schema: string;
  /** An address, `notify` for the database's own, `none` to be left with polling. */
  bus: string;
};

/** The database without its way to wake nodes. */
function withoutBus(adapter: ReturnType<typeof postgresPersistence>): PersistenceAdapter {
  const { cluster } = adapter.store;
  const bare = new Proxy(cluster ?? {}, {
    get: (target, name) => (name === "bus" ? undefined : Reflect.get(target, name)),
  });
  const store = new Proxy(adapter.store, {
    get: (target, name) => (name === "cluster" ? bare : Reflect.get(target, name)),
  });
  return new Proxy(adapter, { get: (target, name) => (name === "store" ? store : Reflect.get(target, name)) });
}

const adapter = postgresPersistence({ connectionString: database, schema });
const runtime = await createAgentRuntime({
  persistence: bus === "none" ? withoutBus(adapter) : adapter,
  ...(bus.startsWith("redis:") ? { bus: redisBus({ url: bus }) } : {}),
  ...(bus.startsWith("nats:") ? { bus: natsBus({ url: bus }) } : {}),
  sandbox: localSandbox({ dataDir }),
  dataDir,
  credentials: () => ({ baseUrl: modelUrl, apiKey: "key-of-the-scripted-model" }),
});
await serveRuntime(runtime, apiKey);
