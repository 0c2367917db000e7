import { FRAME, encodeFrame } from "./frames.ts";
import type { Frame } from "./frames.ts";
import { MuxStream } from "./mux-stream.ts";

/** At once; more are refused. */
const MAX_STREAMS = 512;

export interface MuxOptions {
  /** Takes frames for the other side, in order. */
  readonly send: (frame: Buffer) => void;
  /** The other side has opened a stream; absent: only this side opens. */
  readonly onOpen?: (channel: string, stream: MuxStream) => void;
  /** Whether a stream of the channel goes on one way when the other side has ended its own. */
  readonly allowHalfOpen: (channel: string) => boolean;
}

/** The streams of one line. Everything that the other side sends is checked: it may be a stranger. */
export class Mux {
  readonly #options: MuxOptions;
  readonly #streams = new Map<number, MuxStream>();
  #highest = 0;

  constructor(options: MuxOptions) {
    this.#options = options;
  }

  /** A stream to the other side; undefined: there are too many. */
  open(channel: string): MuxStream | undefined {
    if (this.#streams.size >= MAX_STREAMS) return undefined;
    this.#highest += 1;
    this.#options.send(encodeFrame(FRAME.open, this.#highest, Buffer.from(channel)));
    return this.#stream(this.#highest, channel);
  }

  #stream(number: number, channel: string): MuxStream {
    const { send, allowHalfOpen } = this.#options;
    const stream = new MuxStream({
      number,
      allowHalfOpen: allowHalfOpen(channel),
      send,
      onGone: () => this.#streams.delete(number),
    });
    // Whoever takes the stream listens too; a broken line must not end the process while nobody does.
    stream.on("error", () => undefined);
    this.#streams.set(number, stream);
    return stream;
  }

  /** Takes a frame of a stream. Throws where the other side breaks the rules. */
  take({ type, stream: number, payload }: Frame): void {
    if (type === FRAME.open) return this.#takeOpen(number, payload);
    // A stream that was closed here, and whose other side did not know it yet.
    if (number === 0 || number > this.#highest) throw new Error(`There is no stream ${number}`);
    const stream = this.#streams.get(number);
    if (stream === undefined) return;
    switch (type) {
      case FRAME.data:
        return stream.takeData(Buffer.from(payload));
      case FRAME.end:
        return stream.takeEnd();
      case FRAME.reset:
        return stream.takeReset();
      case FRAME.credit:
        if (payload.length !== 4) throw new Error("A credit has four bytes");
        return stream.takeCredit(payload.readUInt32BE(0));
      case FRAME.hello:
      case FRAME.listen:
      case FRAME.unlisten:
      case FRAME.ping:
      case FRAME.pong:
      case FRAME.replaced:
      case FRAME.supervise:
      case FRAME.listening:
        throw new Error(`A frame of type ${type} belongs to no stream`);
    }
  }

  #takeOpen(number: number, payload: Buffer): void {
    const { onOpen, send } = this.#options;
    if (onOpen === undefined || number !== this.#highest + 1) throw new Error(`Stream ${number} cannot be opened`);
    this.#highest = number;
    if (this.#streams.size >= MAX_STREAMS) {
      send(encodeFrame(FRAME.reset, number));
      return;
    }
    const channel = payload.toString("utf8");
    onOpen(channel, this.#stream(number, channel));
  }

  /** The line is gone: so are its streams. */
  cut(): void {
    for (const stream of this.#streams.values()) stream.cut("The line to the sandbox is gone");
    this.#streams.clear();
  }
}
