/** The runtime on one of the places, with a warm pool or without; says `{ warm: true }` for each sandbox that is ready in it. */
import { join } from "node:path";
import { createAgentRuntime, type Logger } from "@hhopkins/agent-runtime";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { serveRuntime } from "../serve-runtime.ts";
import { providerOf, type Place } from "./place.ts";

export interface SessionServerOptions {
  readonly place: Place;
  /** Of this server alone. */
  readonly folder: string;
  readonly modelUrl: string;
  readonly apiKey: string;
  readonly warm: number;
}

const { place, folder, modelUrl, apiKey, warm } = JSON.parse(process.argv[2] ?? "") as SessionServerOptions;
const say = (_detail: object, message: string): void => void process.stderr.write(`${message}\n`);
const logger: Logger = {
  debug: () => undefined,
  info: (_detail, message) => {
    if (message === "a warm sandbox is ready") process.send?.({ warm: true });
  },
  warn: say,
  error: say,
};
const runtime = await createAgentRuntime({
  dataDir: join(folder, "data"),
  persistence: sqlitePersistence({ file: join(folder, "bench.db") }),
  sandbox: providerOf(place, folder),
  credentials: () => ({ baseUrl: modelUrl, apiKey: "key-of-the-scripted-model" }),
  warmPool: { default: warm },
  logger,
});
await serveRuntime(runtime, apiKey);
