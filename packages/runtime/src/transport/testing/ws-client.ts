import { once } from "node:events";
import { WebSocket, type ClientOptions } from "ws";

export type Frame = Record<string, unknown> & {
  event?: string;
  seq?: number;
  ack?: unknown;
  data: Record<string, unknown>;
};

/** A WebSocket client that keeps every frame it got. */
export class TestClient implements AsyncDisposable {
  readonly frames: Frame[] = [];
  readonly webSocket: WebSocket;
  readonly closed: Promise<number>;
  readonly #waiting = new Set<() => void>();
  #ids = 0;

  constructor(url: string, options: ClientOptions & { protocols?: string[] } = {}) {
    const { protocols = [], ...rest } = options;
    this.webSocket = new WebSocket(url, protocols, rest);
    this.webSocket.on("message", (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()) as Frame);
      for (const wake of this.#waiting) wake();
    });
    this.webSocket.on("error", () => {});
    this.closed = new Promise((resolve) => this.webSocket.on("close", resolve));
  }

  async opened(): Promise<this> {
    await once(this.webSocket, "open");
    return this;
  }

  send(frame: unknown): void {
    this.webSocket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** Sends a frame with an id and answers its ack's data. */
  async ask(event: string, data?: object): Promise<Record<string, unknown>> {
    this.#ids += 1;
    const id = this.#ids;
    this.send({ id, event, ...(data === undefined ? {} : { data }) });
    return (await this.next((frame) => frame.ack === id)).data;
  }

  /** The first frame, of old or to come, that `matches`. */
  next(matches: (frame: Frame) => boolean): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.frames.find(matches);
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      void this.closed.then((code) => reject(new Error(`closed with ${code} before the frame came`)));
      look();
    });
  }

  seqs(): number[] {
    return this.frames.flatMap((frame) => (frame.seq === undefined ? [] : [frame.seq]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.webSocket.terminate();
    await this.closed;
  }
}
