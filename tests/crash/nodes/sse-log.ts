import { setTimeout as delay } from "node:timers/promises";
import { API_KEY } from "../../testing/runtime-under-test.ts";

/** What a client that follows by server-sent events from the first one has seen, over every cut. */
export class SseLog {
  readonly sessionId: string;
  events = 0;
  /** Breaks in the order of the numbers. */
  readonly breaks: string[] = [];
  readonly #url: string;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();
  #last = 0;
  #logId = "";

  constructor(baseUrl: string, sessionId: string) {
    this.sessionId = sessionId;
    this.#url = `${baseUrl}/sessions/${sessionId}/events`;
    void this.#follow();
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Resolves when it has seen so far. */
  async reach(seq: number): Promise<void> {
    while (this.#last < seq) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#read(signal).catch(() => undefined);
      await delay(50);
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const from = `after=${this.#last}${this.#logId === "" ? "" : `&logId=${this.#logId}`}`;
    const response = await fetch(`${this.#url}?${from}`, { signal, headers: { authorization: `Bearer ${API_KEY}` } });
    if (!response.ok || response.body === null) return;
    const decoder = new TextDecoder();
    let text = "";
    for await (const bytes of response.body) {
      text += decoder.decode(bytes, { stream: true });
      const parts = text.split("\n\n");
      text = parts.pop() ?? "";
      for (const part of parts) this.#take(part);
    }
  }

  #take(message: string): void {
    const fields = new Map(
      message.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
    );
    const id = fields.get("id");
    if (fields.get("event") === "session:resync") this.breaks.push(`${this.sessionId} by SSE: ${fields.get("data")}`);
    if (id === undefined || !fields.has("data")) return;
    const [logId = "", seq = ""] = id.split(":");
    const { from = Number(seq) } = JSON.parse(fields.get("data") ?? "{}") as { from?: number };
    if (from !== this.#last + 1) this.breaks.push(`${this.sessionId} by SSE: ${from}–${seq} after ${this.#last}`);
    this.#logId = logId;
    this.#last = Number(seq);
    this.events += 1;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
