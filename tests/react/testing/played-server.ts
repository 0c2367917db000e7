import { initialState, reduce, type SessionEvent, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { vi } from "vitest";

export interface SeenRequest {
  readonly method: string;
  /** With the query, from `/v1` on. */
  readonly path: string;
  readonly body: unknown;
  readonly authorization: string | null;
}

type Listener = (event: { data?: unknown }) => void;

/** A page's end of a live line. It opens by itself and joins what it is asked to join. */
class PlayedLine {
  readonly server: PlayedServer;
  readonly joined = new Set<string>();
  watches = false;
  readyState = 0;
  readonly #listeners = new Map<string, Set<Listener>>();

  constructor(server: PlayedServer) {
    this.server = server;
    setTimeout(() => {
      if (this.readyState !== 0) return;
      if (server.isAway) return this.close();
      this.readyState = 1;
      this.#emit("open", {});
    });
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, (this.#listeners.get(type) ?? new Set()).add(listener));
  }

  send(text: string): void {
    const { id, event, data } = JSON.parse(text) as { id: string; event: string; data: Record<string, unknown> };
    setTimeout(() => {
      if (event === "sessions:watch") this.watches = true;
      if (event === "session:join") this.#join(id, data as { sessionId: string; after: number });
      else this.say({ ack: id, data: { success: true } });
    });
  }

  close(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.#emit("close", {});
  }

  say(frame: object): void {
    if (this.readyState === 1) this.#emit("message", { data: JSON.stringify(frame) });
  }

  #join(ack: string, { sessionId, after }: { sessionId: string; after: number }): void {
    const state = this.server.states.get(sessionId);
    if (state === undefined) {
      this.say({ ack, data: { success: false, error: "session_not_found", message: "There is no such session." } });
      return;
    }
    this.joined.add(sessionId);
    this.say({ ack, data: { success: true, sessionId, logId: state.logId, lastSeq: state.lastSeq } });
    for (const frame of this.server.framesOf(sessionId)) if (frame.seq > after) this.say(frame);
  }

  #emit(type: string, event: { data?: unknown }): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }
}

interface Frame {
  readonly event: string;
  readonly data: object;
  readonly seq: number;
  readonly at: string;
}

/** A server that a test plays, in place of the page's `fetch` and `WebSocket`. Its states are its logs, reduced. */
export class PlayedServer {
  readonly states = new Map<string, SessionState>();
  readonly requests: SeenRequest[] = [];
  readonly lines: PlayedLine[] = [];
  isAway = false;
  /** Answers in place of what the server would answer by itself, where it answers anything. */
  answer: (request: SeenRequest) => Promise<Response | undefined> | Response | undefined = () => undefined;
  readonly #frames = new Map<string, Frame[]>();

  /** Takes the place of the page's own ways to the network. */
  install(): void {
    const open = (): PlayedLine => {
      const line = new PlayedLine(this);
      this.lines.push(line);
      return line;
    };
    vi.stubGlobal("fetch", (input: string, init: RequestInit = {}) => this.#fetch(input, init));
    // Called with `new`, it answers the line.
    vi.stubGlobal("WebSocket", function WebSocket() {
      return open();
    });
  }

  create(sessionId: string, more: Partial<SessionState> = {}): SessionState {
    const createdAt = "2026-01-01T00:00:00.000Z";
    const basics = { type: "claude-agent-sdk", agentProfileReference: "default", createdAt };
    const state: SessionState = { ...initialState(sessionId, `log-${sessionId}`), ...basics, lastSeq: 1, ...more };
    this.states.set(sessionId, state);
    return state;
  }

  /** The next event of a session's log. */
  emit(sessionId: string, type: SessionEvent["type"], data: object): void {
    const state = this.states.get(sessionId);
    if (state === undefined) throw new Error(`no session ${sessionId}`);
    const seq = state.lastSeq + 1;
    const frame = { event: type, data: { sessionId, ...data }, seq, at: "2026-01-01T00:01:00.000Z" };
    this.states.set(sessionId, reduce(state, { type, data: frame.data, seq, at: frame.at } as SessionEvent));
    this.#frames.set(sessionId, [...this.framesOf(sessionId), frame]);
    for (const line of this.lines) if (line.joined.has(sessionId)) line.say(frame);
  }

  framesOf(sessionId: string): readonly Frame[] {
    return this.#frames.get(sessionId) ?? [];
  }

  delete(sessionId: string): void {
    this.states.delete(sessionId);
    const frame = { event: "sessions:removed", data: { sessionId } };
    for (const line of this.lines) if (line.joined.has(sessionId) || line.watches) line.say(frame);
  }

  cut(): void {
    for (const line of this.lines) line.close();
  }

  /** Lines that are open. */
  get open(): PlayedLine[] {
    return this.lines.filter(({ readyState }) => readyState === 1);
  }

  async #fetch(input: string, init: RequestInit): Promise<Response> {
    const url = new URL(input);
    const request = {
      method: init.method ?? "GET",
      path: `${url.pathname}${url.search}`.replace("/v1", ""),
      body: typeof init.body === "string" ? (JSON.parse(init.body) as unknown) : undefined,
      authorization: new Headers(init.headers).get("authorization"),
    };
    this.requests.push(request);
    const gone = new Promise<never>((_, reject) => {
      init.signal?.addEventListener("abort", () => reject(new TypeError("aborted")));
    });
    return Promise.race([gone, this.#respond(request)]);
  }

  async #respond(request: SeenRequest): Promise<Response> {
    if (this.isAway) throw new TypeError("fetch failed");
    const answer = await this.answer(request);
    if (answer !== undefined) return answer;
    const { method, path } = request;
    if (method === "GET" && !path.startsWith("/sessions?") && path !== "/sessions") {
      const state = this.states.get(path.split(/[/?]/)[2] ?? "");
      return state === undefined ? problem("session_not_found", 404) : Response.json(state);
    }
    if (method === "GET") return Response.json({ sessions: [...this.states.values()] });
    if (path === "/sessions/create") return Response.json(this.create(`made-${this.states.size}`), { status: 201 });
    if (method === "DELETE" && path.split("/").length === 3) this.delete(path.split("/")[2] ?? "");
    return Response.json({ success: true }, { status: 202 });
  }
}

export function problem(error: string, status: number): Response {
  return Response.json({ error, detail: error }, { status });
}
