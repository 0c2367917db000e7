import {
  createAgentRuntime,
  type AgentRuntime,
  type AgentRuntimeConfig,
  type SessionState,
} from "@hhopkins/agent-runtime";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { untilState } from "./state-condition.ts";

/** What stands for the model's key; nothing inside a sandbox may ever see it. */
export const CANARY = "sk-ant-canary-7f3a9c51d2";
export const API_KEY = "test-api-key";

interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly detail: Record<string, unknown>;
}

/** A real runtime on SQLite, bubblewrap and the scripted model, with its REST API in process. */
export interface RuntimeUnderTest extends AsyncDisposable {
  readonly runtime: AgentRuntime;
  readonly model: ScriptedModel;
  readonly dataDir: string;
  readonly logs: LogLine[];
  /** A request to the REST API; a body is sent as JSON. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  create(body?: object): Promise<string>;
  send(sessionId: string, content: string, more?: object): Promise<Response>;
  state(sessionId: string): Promise<SessionState>;
  /** Waits, by the event stream, until the state fulfils `condition`. */
  until(sessionId: string, condition: (state: SessionState) => boolean): Promise<SessionState>;
  /** Sends and waits until the session is idle again. */
  turn(sessionId: string, content: string): Promise<SessionState>;
}

export interface Shared {
  /** Used instead of new ones, and left alone at the end. */
  readonly model?: ScriptedModel;
  readonly dataDir?: string;
}

export async function startRuntime(config: AgentRuntimeConfig = {}, shared: Shared = {}): Promise<RuntimeUnderTest> {
  const dataDir = shared.dataDir ?? (await mkdtemp(join(tmpdir(), "agent-runtime-test-")));
  const model = shared.model ?? (await startScriptedModel());
  const logs: LogLine[] = [];
  const note = (level: string) => (detail: object, message: string) =>
    void logs.push({ level, message, detail: { ...detail } });
  const runtime = await createAgentRuntime({
    persistence: sqlitePersistence({ file: join(dataDir, "test.db") }),
    sandbox: localSandbox({ dataDir }),
    credentials: () => ({ baseUrl: model.url, apiKey: CANARY }),
    logger: { debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") },
    shutdownGraceMs: 200,
    ...config,
  });
  await runtime.start();
  const rest = runtime.createRestServer({ apiKey: API_KEY });

  const request: RuntimeUnderTest["request"] = async (...[method, path, body, headers = {}]) =>
    rest.fetch(
      new Request(`http://runtime.test${path}`, {
        method,
        headers: {
          authorization: `Bearer ${API_KEY}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
  const state = async (sessionId: string): Promise<SessionState> => {
    const response = await request("GET", `/sessions/${sessionId}`);
    if (response.status !== 200)
      throw new Error(`GET /sessions/${sessionId}: ${response.status} ${await response.text()}`);
    return (await response.json()) as SessionState;
  };
  const events = async (path: string, signal: AbortSignal): Promise<Response> =>
    rest.fetch(new Request(`http://runtime.test${path}`, { headers: { authorization: `Bearer ${API_KEY}` }, signal }));
  const until: RuntimeUnderTest["until"] = (sessionId, condition) =>
    untilState({ sessionId, state, events }, condition);
  const send: RuntimeUnderTest["send"] = (sessionId, content, more = {}) =>
    request("POST", `/sessions/${sessionId}/message`, { content, ...more });
  return {
    runtime,
    model,
    dataDir,
    logs,
    request,
    state,
    until,
    send,
    async create(body = {}) {
      const response = await request("POST", "/sessions/create", {
        agentProfileRef: "default",
        architecture: "claude-agent-sdk",
        ...body,
      });
      const answer = (await response.json()) as { sessionId: string };
      if (response.status !== 201) throw new Error(`create: ${response.status} ${JSON.stringify(answer)}`);
      return answer.sessionId;
    },
    async turn(sessionId, content) {
      const response = await send(sessionId, content);
      if (response.status !== 202) throw new Error(`send: ${response.status} ${await response.text()}`);
      return until(sessionId, ({ turn, queue }) => turn === null && queue.length === 0);
    },
    async [Symbol.asyncDispose]() {
      for (const session of runtime.sessionManager.getLoadedSessions())
        await request("DELETE", `/sessions/${session.sessionId}`);
      await runtime.shutdown();
      if (shared.model === undefined) await model.close();
      if (shared.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The texts that the agent said, in order. */
export function said(state: SessionState): string[] {
  return state.blocks.flatMap((block) => (block.type === "assistant_text" ? [block.content] : []));
}

/** Codes of the error blocks, in order. */
export function errors(state: SessionState): (string | undefined)[] {
  return state.blocks.flatMap((block) => (block.type === "error" ? [block.code] : []));
}
