import { closeSync, openSync, readSync, writeSync } from "node:fs";

/** The most that one message carries. */
const PIECE = 256 * 1024;

/** What a program has said on one stream, all of it, in a file: read from any offset, as often as it is asked for. */
export class Output {
  readonly #path: string;
  #file: number | null = null;
  #size = 0;
  #ended = false;
  #grown = Promise.withResolvers<void>();

  constructor(path: string) {
    this.#path = path;
  }

  get size(): number {
    return this.#size;
  }

  get ended(): boolean {
    return this.#ended;
  }

  append(bytes: Uint8Array): void {
    if (this.#ended || bytes.length === 0) return;
    this.#file ??= openSync(this.#path, "w", 0o600);
    for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at, bytes.length - at, this.#size + at);
    this.#size += bytes.length;
    this.#tell();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#file !== null) closeSync(this.#file);
    this.#tell();
  }

  /** From `offset` until the end of the stream. */
  async *read(offset: number, signal: AbortSignal): AsyncGenerator<Buffer, void> {
    const aborted = Promise.withResolvers<void>();
    const onAbort = (): void => aborted.resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    let file: number | null = null;
    try {
      for (let at = offset; !signal.aborted;) {
        const grown = this.#grown.promise;
        if (at < this.#size) {
          file ??= openSync(this.#path, "r");
          const piece = Buffer.allocUnsafe(Math.min(PIECE, this.#size - at));
          const length = readSync(file, piece, 0, piece.length, at);
          at += length;
          yield piece.subarray(0, length);
        } else if (this.#ended) return;
        else await Promise.race([grown, aborted.promise]);
      }
    } finally {
      if (file !== null) closeSync(file);
      signal.removeEventListener("abort", onAbort);
    }
  }

  #tell(): void {
    const grown = this.#grown;
    this.#grown = Promise.withResolvers();
    grown.resolve();
  }
}
