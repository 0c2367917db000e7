import { once } from "node:events";
import { WebSocket } from "ws";
import { now } from "../clock.ts";

interface Frame {
  readonly event?: string;
  readonly seq?: number;
  readonly data?: { readonly messageIds?: readonly string[] };
}

interface Followed {
  readonly port: number;
  readonly apiKey: string;
  readonly sessionId: string;
}

/** One session as a client of one server sees it. */
export class SessionClient implements Disposable {
  /** When each event came, by its number. */
  readonly arrivals = new Map<number, number>();
  lastSeq = 0;
  readonly #followed: Followed;
  readonly #socket: WebSocket;
  /** Messages whose turns are not over. */
  readonly #open = new Set<string>();
  #sent = 0;
  #wake = (): void => {};

  private constructor(followed: Followed, socket: WebSocket) {
    this.#followed = followed;
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      const at = now();
      this.#take(JSON.parse(data.toString()) as Frame, at);
    });
  }

  static async create(port: number, apiKey: string): Promise<string> {
    const body = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
    const answer = await post({ port, apiKey }, "/sessions/create", body);
    return (answer as { sessionId: string }).sessionId;
  }

  static async follow(followed: Followed): Promise<SessionClient> {
    const { port, apiKey, sessionId } = followed;
    const headers = { authorization: `Bearer ${apiKey}` };
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?sessionId=${sessionId}`, { headers });
    await once(socket, "open");
    return new SessionClient(followed, socket);
  }

  /** Milliseconds until the message was accepted. */
  async send(content: string): Promise<number> {
    const messageId = `m${process.pid}_${this.#followed.port}_${(this.#sent += 1)}`;
    this.#open.add(messageId);
    const from = now();
    await post(this.#followed, `/sessions/${this.#followed.sessionId}/message`, { content, messageId });
    return now() - from;
  }

  /** Resolves when all that it sent has been answered. */
  idle(): Promise<void> {
    return this.#until(() => this.#open.size === 0);
  }

  reached(seq: number): Promise<void> {
    return this.#until(() => this.lastSeq >= seq);
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #take({ event, seq, data }: Frame, at: number): void {
    if (seq === undefined) return;
    this.lastSeq = seq;
    if (event === "session:block:delta") this.arrivals.set(seq, at);
    if (event === "session:turn:completed") for (const id of data?.messageIds ?? []) this.#open.delete(id);
    this.#wake();
  }
}

async function post(to: { port: number; apiKey: string }, path: string, body: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${to.apiKey}`, "content-type": "application/json" };
  const response = await fetch(`http://127.0.0.1:${to.port}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}
