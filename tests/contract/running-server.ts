import {
  createAgentRuntime,
  createNodeHandler,
  type AgentRuntime,
  type AgentRuntimeConfig,
  type RestServerOptions,
  type SessionState,
  type WebSocketServerOptions,
} from "@hhopkins/agent-runtime";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const KEY = "test-key";

export interface RunningServer extends AsyncDisposable {
  readonly runtime: AgentRuntime;
  readonly model: ScriptedModel;
  readonly url: string;
  readonly wsUrl: string;
  /** Ends the WebSocket server alone. */
  closeLive(): Promise<void>;
  /** A request with the key; the body is JSON. */
  call(method: string, path: string, json?: unknown, headers?: Record<string, string>): Promise<Answer>;
  state(sessionId: string): Promise<SessionState>;
  /** Creates a session of the default profile and answers its id. */
  create(more?: Record<string, unknown>): Promise<string>;
  send(sessionId: string, content: string, more?: Record<string, unknown>): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- what a test expects of it, it says itself
  readonly json: any;
}

interface Serving {
  readonly config?: AgentRuntimeConfig;
  readonly rest?: RestServerOptions;
  readonly webSocket?: WebSocketServerOptions;
}

/** A server in this process, in front of the scripted model, in a folder of its own that goes with it. */
export async function runningServer({ config = {}, rest = {}, webSocket = {} }: Serving = {}): Promise<RunningServer> {
  const model = await startScriptedModel();
  const dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-"));
  const runtime = await createAgentRuntime({
    persistence: memoryPersistence(),
    credentials: async () => ({ baseUrl: model.url, apiKey: "model-key" }),
    dataDir,
    ...config,
  });
  await runtime.start();
  const http = createServer(createNodeHandler(runtime.createRestServer({ apiKey: KEY, ...rest })));
  const live = runtime.createWebSocketServer(http, webSocket);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const call = caller(url);
  return {
    runtime,
    model,
    url,
    wsUrl: `${url.replace("http", "ws")}/ws`,
    closeLive: () => live.close(),
    call,
    state: async (sessionId) => (await call("GET", `/sessions/${sessionId}`)).json as SessionState,
    create: async (more = {}) => {
      const body = { agentProfileRef: "default", architecture: "claude-agent-sdk", ...more };
      const { status, json } = await call("POST", "/sessions/create", body);
      if (status !== 201) throw new Error(`no session: ${JSON.stringify(json)}`);
      return json.sessionId as string;
    },
    send: (sessionId, content, more = {}) => call("POST", `/sessions/${sessionId}/message`, { content, ...more }),
    async [Symbol.asyncDispose]() {
      await live.close();
      http.close();
      http.closeAllConnections();
      await runtime.shutdown();
      await model.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function caller(url: string): RunningServer["call"] {
  return async (method, path, ...[json, headers = {}]) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { "x-api-key": KEY, ...(json === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    return { status: response.status, headers: response.headers, json: isJson ? JSON.parse(text) : text };
  };
}
