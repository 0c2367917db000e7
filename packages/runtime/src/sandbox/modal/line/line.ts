import type { Duplex } from "node:stream";
import { z } from "zod";
import { FRAME, FrameReader, LINE_VERSION, encodeFrame } from "./frames.ts";
import type { Frame } from "./frames.ts";
import { Mux } from "./mux.ts";
import { Outbox } from "./outbox.ts";

/** Bytes to and from a bridge that was started in the sandbox. */
export interface Transport {
  /** One at a time; resolves when the next may come. */
  write(bytes: Buffer): Promise<void>;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Lets go of it; the bridge ends. Never rejects, and does not wait for an answer. */
  close(): void;
}

/** `replaced`: another server has this sandbox now. */
export type LineState = "down" | "up" | "replaced" | "stopped";

export interface LineOptions {
  /** Starts a bridge. Rejects where that cannot be done now. */
  readonly open: (signal: AbortSignal) => Promise<Transport>;
  readonly onStream: (channel: string, stream: Duplex) => void;
  /** Channels whose streams go on one way after the other side's end. */
  readonly halfOpen: ReadonlySet<string>;
  /** It broke, or could not be opened; it is tried again. */
  readonly onDown: (why: unknown) => void;
  readonly random: () => number;
  /** How often to say something, in ms (5 s); without an answer for four times as long the line is broken. */
  readonly pingMs?: number;
  /**
   * How long a line that was replaced is left to the other server, in ms (20 s): one that has the sandbox by right is
   * not stopped by then, and one that has not was told so.
   */
  readonly retakeMs?: number;
}

const Hello = z.object({ version: z.literal(LINE_VERSION), number: z.int().positive() });
const PING_MS = 5000;
const HELLO_MS = 30_000;
const FIRST_DELAY_MS = 50;
const MOST_DELAY_MS = 5000;
/** A line that lived so long was no failure to open. */
const LIVED_MS = 10_000;
const RETAKE_MS = 20_000;

/** Keeps a line to the sandbox: opens it again whenever it breaks, until it is stopped. */
export class Line {
  readonly #options: LineOptions;
  /** Who waits for each of the channels. */
  readonly #channels = new Map<string, () => void>();
  readonly #stop = new AbortController();
  #current: { readonly mux: Mux; readonly send: (frame: Buffer) => void } | undefined;
  #state: LineState = "down";
  #begun = false;
  #waiters: (() => void)[] = [];

  constructor(options: LineOptions) {
    this.#options = options;
  }

  get state(): LineState {
    return this.#state;
  }

  /** Streams of this channel are wanted, from now on and on every line. Resolves when it can be dialled inside, or never. */
  listen(channel: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#channels.set(channel, resolve);
    this.#current?.send(encodeFrame(FRAME.listen, 0, Buffer.from(channel)));
    if (!this.#begun) {
      this.#begun = true;
      void this.#keep();
    }
    return promise;
  }

  unlisten(channel: string): void {
    this.#channels.delete(channel);
    this.#current?.send(encodeFrame(FRAME.unlisten, 0, Buffer.from(channel)));
  }

  /** Asks for a program that starts programs, once the line is up. Rejects when `signal` fires first. */
  async supervise(signal: AbortSignal): Promise<void> {
    while (this.#current === undefined) {
      signal.throwIfAborted();
      await this.#change(signal);
    }
    this.#current.send(encodeFrame(FRAME.supervise, 0));
  }

  stop(): void {
    if (this.#state !== "replaced") this.#state = "stopped";
    this.#stop.abort(new Error("The line was stopped"));
  }

  /** Resolves when the line comes up. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = (): void => reject(signal.reason as Error);
      signal.addEventListener("abort", refuse, { once: true });
      this.#waiters.push(() => {
        signal.removeEventListener("abort", refuse);
        resolve();
      });
    });
  }

  async #keep(): Promise<void> {
    let delay = FIRST_DELAY_MS;
    while (!this.#stop.signal.aborted) {
      const since = performance.now();
      try {
        await this.#hold();
      } catch (error) {
        if (!this.#stop.signal.aborted) this.#options.onDown(error);
      }
      if (this.#stop.signal.aborted) return;
      if (this.#state === "replaced") {
        await pause(this.#options.retakeMs ?? RETAKE_MS, this.#stop.signal);
        if (this.#stop.signal.aborted) return;
        this.#state = "down";
      }
      delay = performance.now() - since > LIVED_MS ? FIRST_DELAY_MS : Math.min(delay * 2, MOST_DELAY_MS);
      await pause(delay * (0.5 + this.#options.random()), this.#stop.signal);
    }
  }

  /** One line, from its start to its break. */
  async #hold(): Promise<void> {
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, this.#stop.signal]);
    const transport = await this.#options.open(signal);
    if (signal.aborted) transport.close();
    signal.throwIfAborted();
    const fail = (error: unknown): void => abort.abort(error);
    const outbox = new Outbox((bytes) => transport.write(bytes), fail);
    const { onStream, halfOpen } = this.#options;
    const mux = new Mux({
      send: (frame) => outbox.put(frame),
      onOpen: (channel, stream) => {
        if (this.#channels.has(channel)) onStream(channel, stream);
        else stream.destroy();
      },
      allowHalfOpen: (channel) => halfOpen.has(channel),
    });
    const watch = new Watch(this.#options.pingMs ?? PING_MS, () => outbox.put(encodeFrame(FRAME.ping, 0)), fail);
    try {
      await Promise.race([this.#read(transport, { mux, outbox, watch }), aborted(signal)]);
    } finally {
      watch.stop();
      if (this.#current?.mux === mux) this.#current = undefined;
      if (this.#state === "up") this.#state = "down";
      outbox.close();
      transport.close();
      mux.cut();
    }
  }

  async #read(transport: Transport, { mux, outbox, watch }: { mux: Mux; outbox: Outbox; watch: Watch }): Promise<void> {
    const reader = new FrameReader();
    let greeted = false;
    for await (const chunk of transport.bytes) {
      watch.heard();
      for (const frame of reader.push(chunk)) {
        if (greeted) this.#take(frame, mux);
        else {
          greet(frame);
          greeted = true;
          watch.begin();
          this.#up(mux, (bytes) => outbox.put(bytes));
        }
      }
    }
    throw new Error(greeted ? "The bridge in the sandbox has ended" : "The bridge in the sandbox did not start");
  }

  #up(mux: Mux, send: (frame: Buffer) => void): void {
    this.#state = "up";
    this.#current = { mux, send };
    for (const channel of this.#channels.keys()) send(encodeFrame(FRAME.listen, 0, Buffer.from(channel)));
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const go of waiters) go();
  }

  #take(frame: Frame, mux: Mux): void {
    if (frame.type === FRAME.pong) return;
    if (frame.type === FRAME.listening) return this.#channels.get(frame.payload.toString("utf8"))?.();
    if (frame.type !== FRAME.replaced) return mux.take(frame);
    this.#state = "replaced";
    throw new Error("Another server has this sandbox now");
  }
}

/** Throws where the first frame is not a greeting of ours. */
function greet({ type, payload }: Frame): void {
  if (type !== FRAME.hello) throw new Error(`A line does not begin with a frame of type ${type}`);
  Hello.parse(JSON.parse(payload.toString("utf8")));
}

/** Breaks a line that says nothing any more. */
class Watch {
  readonly #timer: NodeJS.Timeout;
  #limit = HELLO_MS;
  #since = performance.now();
  #pinging = false;
  readonly #pingMs: number;

  constructor(pingMs: number, ping: () => void, onSilent: (error: Error) => void) {
    this.#pingMs = pingMs;
    this.#timer = setInterval(() => {
      if (this.#pinging) ping();
      if (performance.now() - this.#since > this.#limit) onSilent(new Error("The bridge in the sandbox is silent"));
    }, pingMs);
    this.#timer.unref();
  }

  begin(): void {
    this.#pinging = true;
    this.#limit = this.#pingMs * 4;
  }

  heard(): void {
    this.#since = performance.now();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const refuse = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", refuse, { once: true });
    if (signal.aborted) refuse();
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    timer.unref();
    signal.addEventListener("abort", done, { once: true });
  });
}
