import type { SessionEvent } from "@hhopkins/agent-runtime-protocol";

interface FrameParts {
  /** `event.data` as JSON, where it is known already. */
  readonly data?: string;
  /** The first number that the frame stands for. */
  readonly from?: number | undefined;
}

/** An event on its way to followers, serialised once for all of them. */
export class LogFrame {
  readonly event: SessionEvent;
  /** The first number that the frame stands for; its own where it stands for itself alone. */
  readonly first: number;
  #data: string | undefined;
  #webSocket: string | undefined;

  constructor(event: SessionEvent, { data, from }: FrameParts = {}) {
    this.event = event;
    this.first = from ?? event.seq;
    this.#data = data;
  }

  /** `event.data` as JSON. */
  get data(): string {
    this.#data ??= JSON.stringify(this.event.data);
    return this.#data;
  }

  /** The text frame for a WebSocket: `{ event, data, seq, from?, at }`. */
  get webSocket(): string {
    this.#webSocket ??= `{"event":${JSON.stringify(this.event.type)},"data":${this.data},${this.numbers}}`;
    return this.#webSocket;
  }

  /** `seq`, `from` where it is another number, and `at`, as they stand in a JSON object. */
  get numbers(): string {
    const { seq, at } = this.event;
    return `"seq":${seq},${this.first === seq ? "" : `"from":${this.first},`}"at":"${at}"`;
  }
}
