/** Of one write, which is one request to the cloud. */
const MOST_BYTES = 512 * 1024;

/** Sends frames in order, as many together as have come while the last write was under way. */
export class Outbox {
  readonly #write: (bytes: Buffer) => Promise<void>;
  readonly #fail: (error: unknown) => void;
  #frames: Buffer[] = [];
  #writing = false;
  #closed = false;

  constructor(write: (bytes: Buffer) => Promise<void>, fail: (error: unknown) => void) {
    this.#write = write;
    this.#fail = fail;
  }

  put(frame: Buffer): void {
    if (this.#closed) return;
    this.#frames.push(frame);
    if (this.#writing) return;
    this.#writing = true;
    // What comes in this turn of the event loop goes together.
    queueMicrotask(() => {
      this.#flush().catch((error: unknown) => {
        this.#closed = true;
        this.#fail(error);
      });
    });
  }

  close(): void {
    this.#closed = true;
    this.#frames = [];
  }

  async #flush(): Promise<void> {
    while (this.#frames.length > 0) await this.#write(this.#next());
    this.#writing = false;
  }

  #next(): Buffer {
    let bytes = 0;
    let count = 0;
    for (const frame of this.#frames) {
      if (count > 0 && bytes + frame.length > MOST_BYTES) break;
      bytes += frame.length;
      count += 1;
    }
    return Buffer.concat(this.#frames.splice(0, count), bytes);
  }
}
