import type { SessionState } from "@hhopkins/agent-runtime-protocol";

interface FakeEvent {
  readonly data?: unknown;
  readonly code?: number;
}
type Listener = (event: FakeEvent) => void;

/** The client's end of a connection to a `FakeServer`. */
export class FakeSocket {
  readonly url: string;
  readonly protocols: string[];
  readonly sent: Record<string, unknown>[] = [];
  readyState = 0;
  readonly #listeners = new Map<string, Set<Listener>>();

  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, (this.#listeners.get(type) ?? new Set()).add(listener));
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.readyState = 3;
  }

  open(): void {
    this.readyState = 1;
    this.#emit("open", {});
  }

  cut(): void {
    this.readyState = 3;
    this.#emit("error", {});
    this.#emit("close", {});
  }

  /** The server says farewell. */
  end(code: number): void {
    this.readyState = 3;
    this.#emit("close", { code });
  }

  say(frame: object | string): void {
    this.#emit("message", { data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }

  acknowledge(lastSeq: number, logId = "log"): void {
    this.say({ ack: "join", data: { success: true, sessionId: "s", logId, lastSeq } });
  }

  #emit(type: string, event: FakeEvent): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }
}

/** Rejects when a request is given up, as `fetch` does. */
function aborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

/** Both ways to a server, played by the test: what GET answers, and each connection as it comes. */
export class FakeServer {
  readonly sockets: FakeSocket[] = [];
  readonly requests: string[] = [];
  /** The next answers of GET, first to last; the last one stays. */
  answers: (SessionState | { problem: string; status: number } | "unreachable")[] = [];

  /** Answers a request in place of `answers`, where it answers anything. */
  route: (request: { url: string; method: string; body: string }) => Promise<Response> | Response | undefined = () =>
    undefined;

  readonly fetch = (async (input: string | URL | Request, init: RequestInit = {}) => {
    const routed = this.route({
      url: input as string,
      method: init.method ?? "GET",
      body: (init.body as string | undefined) ?? "",
    });
    if (routed !== undefined) return Promise.race([routed, aborted(init.signal)]);
    this.requests.push(input as string);
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    if (answer === undefined || answer === "unreachable") throw new TypeError("fetch failed");
    if ("problem" in answer) {
      return Response.json({ error: answer.problem, detail: answer.problem }, { status: answer.status });
    }
    return Response.json(answer);
  }) as typeof globalThis.fetch;

  readonly WebSocket = ((server: FakeServer) =>
    class extends FakeSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        server.sockets.push(this);
      }
    })(this) as unknown as typeof globalThis.WebSocket;
}
