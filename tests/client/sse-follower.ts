import { initialState, parseEvent, reduce, type SessionState } from "@hhopkins/agent-runtime-protocol";

/** A client by server-sent events that folds what it is given, and comes back by the cursor whenever the line is cut. */
export class SseFollower {
  readonly #url: string;
  readonly #key: () => Promise<string>;
  #state: SessionState | undefined;
  /** Connections that it has made. */
  connections = 0;
  /** Frames that stood for more than their own number. */
  covering = 0;
  readonly #stopping = new AbortController();
  readonly ended: Promise<void>;

  constructor({ url, sessionId, key }: { url: string; sessionId: string; key: string | (() => Promise<string>) }) {
    this.#url = `${url}/sessions/${sessionId}/events`;
    this.#key = typeof key === "string" ? async () => key : key;
    this.ended = this.#run(sessionId);
  }

  get state(): SessionState | undefined {
    return this.#state;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.ended.catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) throw error;
    });
  }

  async #run(sessionId: string): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#connection(sessionId);
      } catch (error) {
        // A line that was cut; a hole is no such thing.
        if (error instanceof RangeError) throw error;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  async #connection(sessionId: string): Promise<void> {
    const state = this.#state;
    const headers = new Headers({ "x-api-key": await this.#key() });
    if (state !== undefined) headers.set("last-event-id", `${state.logId}:${state.lastSeq}`);
    const { signal } = this.#stopping;
    const response = await fetch(this.#url, { headers, signal });
    this.connections += 1;
    let text = "";
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) this.#take(sessionId, event);
    }
  }

  #take(sessionId: string, event: string): void {
    const { id, event: type, data } = fieldsOf(event);
    if (id === undefined || data === undefined) return;
    this.#state ??= initialState(sessionId, id.slice(0, id.lastIndexOf(":")));
    const { seq, from, at, ...payload } = JSON.parse(data) as { seq: number; from?: number; at: string };
    if ((from ?? seq) !== this.#state.lastSeq + 1) throw new RangeError(`event ${seq} after ${this.#state.lastSeq}`);
    if (from !== undefined) this.covering += 1;
    const parsed = parseEvent({ seq, at, type, data: payload });
    if (parsed === null) throw new RangeError(`unknown event ${type ?? ""}`);
    this.#state = reduce(this.#state, parsed);
  }
}

/** The fields of one event of a stream. */
export function fieldsOf(event: string): Partial<Record<string, string>> {
  const lines = event
    .split("\n")
    .map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]);
  return Object.fromEntries(lines) as Partial<Record<string, string>>;
}
