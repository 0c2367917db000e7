import { once } from "node:events";
import { WebSocket } from "ws";
import type { Answer } from "./answer.ts";
import { now } from "./clock.ts";

interface Frame {
  readonly event?: string;
  readonly data: {
    turnId?: string;
    messageIds?: string[];
    messageId?: string;
    blockId?: string;
    block?: { id: string; type: string };
    runtime?: { sandbox: { status: string } | null };
  };
}

/** Sessions of a runtime that is reached over HTTP and WebSocket alone. */
export interface RuntimeClient {
  /** Milliseconds that the creation took, and the session. */
  create(): Promise<{ sessionId: string; ms: number }>;
  /** Opens a WebSocket on the session. */
  follow(sessionId: string): Promise<FollowedSession>;
  /** Ends the sandbox and removes the session. */
  remove(sessionId: string): Promise<void>;
}

export interface FollowedSession extends Disposable {
  /** Resolves when the turn is over. */
  ask(text: string): Promise<Answer>;
}

export function connectRuntime(port: number, apiKey: string): RuntimeClient {
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };

  async function request(method: string, path: string, body?: object): Promise<unknown> {
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  return {
    async create() {
      const from = now();
      const created = await request("POST", "/sessions/create", {
        agentProfileRef: "default",
        architecture: "claude-agent-sdk",
      });
      return { sessionId: (created as { sessionId: string }).sessionId, ms: now() - from };
    },
    async follow(sessionId) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?sessionId=${sessionId}`, { headers });
      await once(socket, "open");
      const send = (content: string) => request("POST", `/sessions/${sessionId}/message`, { content });
      return { ask: (text) => ask(socket, () => send(text)), [Symbol.dispose]: () => socket.terminate() };
    },
    async remove(sessionId) {
      await request("DELETE", `/sessions/${sessionId}`);
    },
  };
}

/** One message of a session in which nothing else runs. */
async function ask(socket: WebSocket, send: () => Promise<unknown>): Promise<Answer> {
  const steps: Record<string, number> = {};
  const over = Promise.withResolvers<void>();
  over.promise.catch(() => undefined);
  const texts = new Set<string>();
  const deltas: number[] = [];
  let turnId: string | undefined;

  function take(frame: Frame, at: number): void {
    const { event, data } = frame;
    if (event === "session:turn:started") {
      turnId = data.turnId;
      steps["turn started"] = at;
    }
    const sandbox = event === "session:status" ? data.runtime?.sandbox?.status : undefined;
    if (sandbox !== undefined) steps[`sandbox ${sandbox}`] ??= at;
    if (event === "session:block:start" && data.block?.type === "assistant_text") texts.add(data.block.id);
    if (event === "session:block:delta" && texts.has(data.blockId ?? "")) deltas.push(at);
    if (event === "session:turn:completed" && data.turnId === turnId) over.resolve();
  }

  const onMessage = (data: Buffer): void => {
    const at = now();
    take(JSON.parse(data.toString()) as Frame, at);
  };
  const onClose = (): void => over.reject(new Error("the WebSocket was closed"));
  socket.on("message", onMessage);
  socket.on("close", onClose);
  try {
    const sentAt = now();
    await send();
    steps["202"] = now();
    await over.promise;
    const [firstDeltaAt, lastDeltaAt] = [deltas[0], deltas.at(-1)];
    if (firstDeltaAt === undefined || lastDeltaAt === undefined) throw new Error("no text came");
    return { sentAt, firstDeltaAt, lastDeltaAt, steps };
  } finally {
    socket.off("message", onMessage);
    socket.off("close", onClose);
  }
}
