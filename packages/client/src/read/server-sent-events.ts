/** One message of a stream of server-sent events, as far as ours have fields. */
export interface ServerSentEvent {
  readonly type: string;
  readonly data: string;
}

/**
 * The messages of a stream, in batches of what arrived together. Each byte is looked at once, however large a message
 * is. Who leaves off early closes the stream.
 */
export async function* serverSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<readonly ServerSentEvent[]> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new LineParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = parser.take(decoder.decode(value, { stream: true }));
      if (events.length > 0) yield events;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

class LineParser {
  /** The beginning of a line whose end has not come yet. */
  #pieces: string[] = [];
  #type = "";
  #data: string | undefined;

  take(text: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    const lines = text.split("\n");
    const rest = lines.pop() ?? "";
    for (const line of lines) {
      this.#pieces.push(line);
      this.#line(this.#pieces.join(""), events);
      this.#pieces = [];
    }
    if (rest !== "") this.#pieces.push(rest);
    return events;
  }

  #line(line: string, events: ServerSentEvent[]): void {
    if (line.startsWith("event: ")) this.#type = line.slice("event: ".length);
    else if (line.startsWith("data: ")) this.#data = line.slice("data: ".length);
    if (line !== "") return;
    if (this.#data !== undefined) events.push({ type: this.#type, data: this.#data });
    [this.#type, this.#data] = ["", undefined];
  }
}
