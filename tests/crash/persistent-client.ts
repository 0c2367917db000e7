import { setTimeout as delay } from "node:timers/promises";
import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import { API_KEY } from "../testing/runtime-under-test.ts";
import { CRASH_PROFILE } from "./crash-turn.ts";

/** For an answer to whoever cannot wait for ever. */
const ANSWER_MS = 10_000;

/** Asks a server that is killed and started again. */
export class PersistentClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  request(method: string, path: string, body?: unknown): Promise<Response> {
    const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" };
    return fetch(`${this.url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** Asks until the server says yes. */
  async persist(method: string, path: string, body?: unknown): Promise<Response> {
    for (;;) {
      const response = await this.request(method, path, body).catch(() => undefined);
      if (response?.ok === true) return response;
      if (response !== undefined && response.status !== 503)
        throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      await delay(20);
    }
  }

  /** Where the session's log ends, and its sandbox, as a server has it; or why none says so. */
  async standing(sessionId: string): Promise<string> {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const headers = { authorization: `Bearer ${API_KEY}` };
    const response = await fetch(`${this.url}/sessions/${sessionId}`, { headers, signal });
    const { lastSeq, runtime } = (await response.json()) as Pick<SessionState, "lastSeq" | "runtime">;
    return `by REST: ${JSON.stringify({ status: response.status, lastSeq, runtime })}`;
  }

  async create(): Promise<string> {
    const response = await this.persist("POST", "/sessions/create", {
      agentProfileRef: CRASH_PROFILE.id,
      architecture: "claude-agent-sdk",
    });
    return ((await response.json()) as { sessionId: string }).sessionId;
  }

  /** Sends until it is acknowledged, over any number of deaths. */
  async send(sessionId: string, message: { messageId: string; content: string }): Promise<void> {
    await this.persist("POST", `/sessions/${sessionId}/message`, message);
  }
}
