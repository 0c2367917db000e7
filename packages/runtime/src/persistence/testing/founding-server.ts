import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAgentRuntime } from "../../index.ts";
import { localSandbox } from "../../sandbox/local/index.ts";
import { createNodeHandler } from "../../transport/node-handler.ts";
import type { PersistenceAdapter } from "../port.ts";

export const FOUNDING_KEY = "your-api-key";

/** A server such as the founding document's minimal example. */
export interface FoundingServer {
  readonly url: string;
  call(method: string, path: string, json?: unknown): Promise<{ status: number; json: unknown }>;
  /** Waits until the session's turns are over and its log is at `after` or further. */
  idle(sessionId: string, after: number): Promise<SessionState>;
  shutdown(): Promise<void>;
}

/** What the servers of all stores have in common: all but the adapter. */
export interface Surroundings {
  readonly dataDir: string;
  readonly modelUrl: string;
}

/** The founding example's steps in its order; the adapter alone differs from store to store. */
export async function foundingServer(
  persistence: PersistenceAdapter,
  { dataDir, modelUrl }: Surroundings,
): Promise<FoundingServer> {
  const runtime = await createAgentRuntime({
    persistence,
    sandbox: localSandbox({ dataDir }),
    credentials: () => ({ baseUrl: modelUrl, apiKey: "sk-dummy" }),
    idleTimeoutMs: 15 * 60 * 1000,
    syncIntervalMs: 30 * 1000,
    dataDir,
  });
  await runtime.start();
  const restApp = runtime.createRestServer({ apiKey: FOUNDING_KEY });
  const httpServer = createServer(createNodeHandler(restApp));
  const wsServer = runtime.createWebSocketServer(httpServer);
  httpServer.listen(0, "127.0.0.1");
  await once(httpServer, "listening");
  const url = `http://127.0.0.1:${(httpServer.address() as AddressInfo).port}`;
  const call = caller(url);
  return {
    url,
    call,
    idle: async (sessionId, after) => {
      for (;;) {
        const state = (await call("GET", `/sessions/${sessionId}`)).json as SessionState;
        if (state.turn === null && state.queue.length === 0 && state.lastSeq >= after) return state;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
    shutdown: async () => {
      await wsServer.close();
      httpServer.close();
      httpServer.closeAllConnections();
      await runtime.shutdown();
    },
  };
}

function caller(url: string): FoundingServer["call"] {
  return async (method, path, json) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { "x-api-key": FOUNDING_KEY, ...(json === undefined ? {} : { "content-type": "application/json" }) },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    const text = await response.text();
    return { status: response.status, json: text.startsWith("{") ? (JSON.parse(text) as unknown) : text };
  };
}
