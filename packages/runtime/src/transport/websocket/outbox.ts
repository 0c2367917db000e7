import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";

/**
 * The sending side of one WebSocket. Everything sent in one turn of the event loop leaves in one write; `room`
 * resolves when the client has taken enough of what waits for it.
 */
export class Outbox {
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  readonly #limit: number;
  #corked = false;
  #draining: Promise<void> | undefined;

  constructor(webSocket: WebSocket, socket: Duplex, limit: number) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#limit = limit;
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  get isFull(): boolean {
    return this.#webSocket.bufferedAmount > this.#limit;
  }

  /** Sends a text frame; does nothing on a connection that closes. */
  send(text: string): void {
    if (!this.isOpen) return;
    this.#cork();
    // A failed write shows as the socket's close.
    this.#webSocket.send(text, () => {});
  }

  json(frame: object): void {
    this.send(JSON.stringify(frame));
  }

  /** Resolves at once, or when the buffer has drained, or when the connection is gone; true where it had to wait. */
  async room(): Promise<boolean> {
    let waited = false;
    while (this.isFull && this.isOpen) {
      waited = true;
      await (this.#draining ??= this.#drained());
    }
    return waited;
  }

  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#socket.uncork();
    });
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off("drain", done);
        this.#socket.off("close", done);
        this.#webSocket.off("close", done);
        this.#draining = undefined;
        resolve();
      };
      this.#socket.on("drain", done);
      this.#socket.on("close", done);
      this.#webSocket.on("close", done);
    });
  }
}
