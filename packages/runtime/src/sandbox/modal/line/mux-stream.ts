import { Duplex } from "node:stream";
import { FRAME, MAX_PAYLOAD, encodeCredit, encodeFrame } from "./frames.ts";

/** Bytes of a stream that may be under way to a reader who has not taken them yet, each way. */
export const WINDOW_BYTES = 512 * 1024;
/** Small enough that streams take turns. */
const PIECE_BYTES = MAX_PAYLOAD;
/** Room that is given back in pieces of at least this. */
const CREDIT_BYTES = WINDOW_BYTES / 4;

export interface MuxStreamParts {
  readonly number: number;
  /** false: the end of the other side ends this one too. */
  readonly allowHalfOpen: boolean;
  readonly send: (frame: Buffer) => void;
  readonly onGone: () => void;
}

/** One of many streams on a line, each at the pace of its reader. */
export class MuxStream extends Duplex {
  readonly #parts: MuxStreamParts;
  #sendable = WINDOW_BYTES;
  #waiting: { readonly bytes: Buffer; readonly done: (error?: Error | null) => void } | undefined;
  #received: Buffer[] = [];
  /** Received and not given back to the sender as room. */
  #owed = 0;
  #consumed = 0;
  #wanted = false;
  #ended = false;
  #cut = false;

  constructor(parts: MuxStreamParts) {
    super({ allowHalfOpen: parts.allowHalfOpen });
    this.#parts = parts;
  }

  /** Bytes came. Throws where there was no room for them. */
  takeData(bytes: Buffer): void {
    if (this.#ended) throw new Error("Data came after the end of a stream");
    this.#owed += bytes.length;
    if (this.#owed > WINDOW_BYTES) throw new Error("A stream sent more than it had room for");
    if (this.destroyed || bytes.length === 0) return;
    this.#received.push(bytes);
    this.#give();
  }

  takeEnd(): void {
    this.#ended = true;
    this.#give();
  }

  takeReset(): void {
    this.cut("The other side has cut the stream");
  }

  takeCredit(bytes: number): void {
    this.#sendable += bytes;
    if (this.#sendable > WINDOW_BYTES) throw new Error("A stream was given more room than there is");
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) this.#sendPieces(waiting.bytes, waiting.done);
  }

  /** Nothing more comes or goes: an error, so that nobody takes it for an end. */
  cut(why: string): void {
    this.#cut = true;
    this.destroy(new Error(why));
  }

  override _read(): void {
    this.#wanted = true;
    this.#give();
  }

  #give(): void {
    while (this.#wanted && this.#received.length > 0) {
      const bytes = this.#received.shift();
      if (bytes === undefined) break;
      this.#wanted = this.push(bytes);
      this.#consumed += bytes.length;
    }
    if (this.#consumed >= CREDIT_BYTES) {
      this.#owed -= this.#consumed;
      this.#parts.send(encodeCredit(this.#parts.number, this.#consumed));
      this.#consumed = 0;
    }
    if (this.#ended && this.#wanted && this.#received.length === 0) {
      this.#wanted = false;
      this.push(null);
    }
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#sendPieces(typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk, done);
  }

  #sendPieces(bytes: Buffer, done: (error?: Error | null) => void): void {
    let rest = bytes;
    while (rest.length > 0 && this.#sendable > 0) {
      const piece = rest.subarray(0, Math.min(rest.length, this.#sendable, PIECE_BYTES));
      this.#sendable -= piece.length;
      this.#parts.send(encodeFrame(FRAME.data, this.#parts.number, piece));
      rest = rest.subarray(piece.length);
    }
    if (rest.length === 0) done();
    else this.#waiting = { bytes: rest, done };
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#parts.send(encodeFrame(FRAME.end, this.#parts.number));
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const whole = this.#ended && this.writableFinished;
    if (!this.#cut && !whole) this.#parts.send(encodeFrame(FRAME.reset, this.#parts.number));
    this.#received = [];
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.done(error ?? new Error("The stream was cut"));
    this.#parts.onGone();
    done(error);
  }
}
