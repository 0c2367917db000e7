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
  #progress: PromiseWithResolvers<void> | undefined;

  constructor(webSocket: WebSocket, socket: Duplex, limit: number) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#limit = limit;
    socket.on("close", () => this.#written());
    webSocket.on("close", () => this.#written());
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
    this.#webSocket.send(text, () => this.#written());
  }

  /** Sends whole WebSocket frames that are encoded already; they are never changed again. */
  encoded(frames: Uint8Array): void {
    if (!this.isOpen) return;
    this.#cork();
    this.#socket.write(frames, () => this.#written());
  }

  json(frame: object): void {
    this.send(JSON.stringify(frame));
  }

  /** Resolves at once, or when the buffer has drained, or when the connection is gone; true where it had to wait. */
  async room(): Promise<boolean> {
    let waited = false;
    while (this.isFull && this.isOpen) {
      waited = true;
      // Not the socket's "drain", which comes only after more was written than the socket's own high-water mark.
      this.#progress ??= Promise.withResolvers();
      await this.#progress.promise;
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

  /** Some of what waited is gone, or all of it with the connection. */
  #written(): void {
    this.#progress?.resolve();
    this.#progress = undefined;
  }
}
