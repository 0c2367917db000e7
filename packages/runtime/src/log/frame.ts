import type { SessionEvent } from "@hhopkins/agent-runtime-protocol";

/** An event on its way to followers, serialised once for all of them. */
export class LogFrame {
  readonly event: SessionEvent;
  #data: string | undefined;
  #webSocket: string | undefined;

  constructor(event: SessionEvent, data?: string) {
    this.event = event;
    this.#data = data;
  }

  /** `event.data` as JSON. */
  get data(): string {
    this.#data ??= JSON.stringify(this.event.data);
    return this.#data;
  }

  /** The text frame for a WebSocket: `{ event, data, seq, at }`. */
  get webSocket(): string {
    const { type, seq, at } = this.event;
    this.#webSocket ??= `{"event":${JSON.stringify(type)},"data":${this.data},"seq":${seq},"at":"${at}"}`;
    return this.#webSocket;
  }
}
