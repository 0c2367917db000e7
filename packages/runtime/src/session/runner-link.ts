import type { Duplex } from "node:stream";
import {
  createLineSplitter,
  encodeLine,
  RunnerFrame,
  RuntimeError,
  toRuntimeError,
  WIRE_VERSION,
  type CommandBody,
  type ErrorCode,
  type Entry,
  type ToRunnerFrame,
} from "@hhopkins/agent-runtime-protocol";
import { failpoint, failpointAfterAnswer } from "../failpoint.ts";
import type { Logger } from "../logger.ts";
import type { UnsavedAccount } from "./unsaved-bytes.ts";

/** Entries that wait for the session; above it the runner's stream is paused. */
const INBOX_ENTRIES = 2000;
/** Of one `take`, beside its first entry. */
const TAKE_BYTES = 2 * 1024 * 1024;
const SILENCE_MS = 10_000;
/** Of the silence that a runner bears: so many pings may come late. */
const PINGS = 4;

export interface RunnerLinkOptions {
  readonly generation: number;
  /** Of the session's lease: a runner that has heard a higher one obeys no more. */
  readonly fence: number;
  /** What streams through this server's gateway goes on without this server. */
  readonly gatewayOutlives?: boolean;
  /** It says something at least so often, in ms: its runner dials a server that is silent for longer anew (10 s). */
  readonly silenceMs?: number;
  /** Number of the last entry that is saved. */
  readonly taken: number;
  /** Counts what was received and is not saved; while it is full the stream is paused. */
  readonly unsaved: UnsavedAccount;
  readonly onEntries: () => void;
  /** The runner takes no turns any more: a server that did not live to end its sandbox had told it to prepare. */
  readonly onEnding: () => void;
  /** The runner says that another server has it. It is inside a sandbox: that proves nothing. */
  readonly onDisowned?: () => void;
  readonly log: Logger;
}

interface PendingCommand {
  readonly body: CommandBody;
  readonly resolve: (data: unknown) => void;
  readonly reject: (error: RuntimeError) => void;
}

/** An entry and the length of its line. */
interface Arrived {
  readonly entry: Entry;
  readonly bytes: number;
}

/**
 * The server's end of the wire to one sandbox's runner. Streams come and go; entries arrive each once, in order, and a
 * command is sent again on each new stream until its reply is there (the runner takes it once).
 */
export class RunnerLink {
  readonly #options: RunnerLinkOptions;
  readonly #commands = new Map<string, PendingCommand>();
  readonly #unwatch: () => void;
  readonly #pings: NodeJS.Timeout;
  #inbox: Arrived[] = [];
  #inboxBytes = 0;
  /** Of what was taken last, until it is saved. */
  #takenBytes = 0;
  /** Of a line that has not ended yet. */
  #partialBytes = 0;
  #stream: Duplex | undefined;
  #attached = false;
  #received: number;
  #saved: number;
  #closed: RuntimeError | undefined;
  #ending = false;

  constructor(options: RunnerLinkOptions) {
    this.#options = options;
    this.#received = options.taken;
    this.#saved = options.taken;
    this.#unwatch = options.unsaved.watch(() => this.#pace());
    this.#pings = setInterval(() => this.#ping(), this.#silenceMs / PINGS);
    this.#pings.unref();
  }

  get #silenceMs(): number {
    return this.#options.silenceMs ?? SILENCE_MS;
  }

  #ping(): void {
    if (this.#attached) this.#send({ type: "ping", id: "heard" });
  }

  get attached(): boolean {
    return this.#attached;
  }

  /** The runner takes no turns any more; those that were sent to it have had no effect. */
  get ending(): boolean {
    return this.#ending;
  }

  /** Why it was closed, or undefined. */
  get closed(): RuntimeError | undefined {
    return this.#closed;
  }

  /** A stream that the runner opened; it replaces the one before. */
  connect(stream: Duplex): void {
    if (this.#closed !== undefined) {
      stream.destroy();
      return;
    }
    this.#stream?.destroy();
    this.#stream = stream;
    this.#attached = false;
    const lines = createLineSplitter();
    this.#count({ partial: -this.#partialBytes });
    stream.on("data", (chunk: Uint8Array) =>
      this.#onData(stream, () => {
        const complete = lines.push(chunk);
        this.#count({ partial: lines.pending - this.#partialBytes });
        return complete;
      }),
    );
    stream.on("error", (error) => this.#options.log.debug({ err: error }, "runner stream failed"));
    stream.on("close", () => {
      if (this.#stream !== stream) return;
      this.#stream = undefined;
      this.#attached = false;
    });
  }

  #onData(stream: Duplex, split: () => readonly string[]): void {
    if (this.#stream !== stream) return;
    try {
      for (const line of split()) this.#onLine(line);
    } catch (error) {
      this.#options.log.warn(
        { err: toRuntimeError(error, "protocol_error") },
        "the runner broke the protocol; its stream is closed",
      );
      stream.destroy();
      return;
    }
    if (this.#inbox.length > 0) this.#options.onEntries();
    this.#pace();
  }

  /** Reads on as long as there is room for what comes. */
  #pace(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    if (this.#inbox.length > INBOX_ENTRIES || this.#options.unsaved.isFull) stream.pause();
    else if (stream.isPaused()) stream.resume();
  }

  /** Changes of what is held. */
  #count({ inbox = 0, taken = 0, partial = 0 }: { inbox?: number; taken?: number; partial?: number }): void {
    this.#inboxBytes += inbox;
    this.#takenBytes += taken;
    this.#partialBytes += partial;
    this.#options.unsaved.change(inbox + taken + partial, inbox + taken);
  }

  #onLine(line: string): void {
    const frame = RunnerFrame.parse(JSON.parse(line));
    if (!this.#attached && frame.type !== "hello" && frame.type !== "refused") {
      throw new RuntimeError("protocol_error", `The runner sent ${frame.type} before hello.`);
    }
    switch (frame.type) {
      case "hello":
        return this.#onHello(frame);
      case "entry":
        return this.#onEntry(frame, Buffer.byteLength(line));
      case "reply":
        return this.#onReply(frame);
      case "refused":
        this.#options.log.warn({ code: frame.code }, "the runner refused the stream");
        if (frame.code === "stale_fence" || frame.code === "replaced") this.#options.onDisowned?.();
        return;
      case "pong":
        return;
    }
  }

  #onHello(hello: Extract<RunnerFrame, { type: "hello" }>): void {
    const { generation, fence, gatewayOutlives = false } = this.#options;
    const silenceMs = this.#silenceMs;
    if (hello.version !== WIRE_VERSION || hello.generation !== generation) {
      throw new RuntimeError(
        "protocol_error",
        `The runner speaks version ${hello.version} of generation ${hello.generation}.`,
      );
    }
    this.#received = this.#saved;
    this.#dropInbox();
    this.#attached = true;
    failpoint("attach:before");
    const after = this.#saved;
    this.#send({ type: "attach", version: WIRE_VERSION, generation, fence, after, silenceMs, gatewayOutlives });
    failpointAfterAnswer("attach:after");
    for (const [id, command] of this.#commands) this.#send({ type: "command", id, fence, command: command.body });
    if (hello.ending !== true) return;
    this.#ending = true;
    this.#options.onEnding();
  }

  #onEntry(entry: Entry, bytes: number): void {
    if (entry.n <= this.#received) return;
    if (entry.n !== this.#received + 1) {
      throw new RuntimeError("protocol_error", `The runner sent entry ${entry.n} after ${this.#received}.`);
    }
    failpoint("receive:before");
    this.#received = entry.n;
    this.#inbox.push({ entry, bytes });
    this.#count({ inbox: bytes });
    failpoint("receive:after");
  }

  #onReply(reply: Extract<RunnerFrame, { type: "reply" }>): void {
    const command = this.#commands.get(reply.id);
    if (command === undefined) return;
    this.#commands.delete(reply.id);
    if (reply.ok) command.resolve(reply.data);
    else command.reject(replyError(reply.error));
  }

  /**
   * Entries in order, the oldest first; they count as unsaved until `saved`, `rewind` or the next `take`. A turn's end is
   * the last of them: what follows is not of its checkpoint.
   */
  take(limit: number): readonly Entry[] {
    let bytes = 0;
    const end = this.#inbox.findIndex(({ entry }) => entry.body.kind === "turn:ended");
    const upTo = end < 0 ? limit : Math.min(limit, end + 1);
    const taken = this.#inbox.slice(0, upTo).filter((arrived, index) => {
      // Once it is over the bound it stays so: what is left out is the end.
      bytes += arrived.bytes;
      return index === 0 || bytes <= TAKE_BYTES;
    });
    this.#inbox = this.#inbox.slice(taken.length);
    const sum = taken.reduce((total, arrived) => total + arrived.bytes, 0);
    this.#count({ inbox: -sum, taken: sum - this.#takenBytes });
    this.#pace();
    return taken.map(({ entry }) => entry);
  }

  /** What was taken is in the store; the runner may forget what it said up to `n`. */
  saved(n: number): void {
    this.#saved = Math.max(this.#saved, n);
    this.#count({ taken: -this.#takenBytes });
    this.#pace();
    if (this.#attached) this.#send({ type: "ack", n: this.#saved });
  }

  /** Starts over from what is saved: the taken entries could not be saved, so the runner has to send them again. */
  rewind(): void {
    this.#count({ taken: -this.#takenBytes });
    this.#dropInbox();
    this.#stream?.destroy();
  }

  #dropInbox(): void {
    this.#inbox = [];
    this.#count({ inbox: -this.#inboxBytes });
  }

  /** Resolves with the reply's data, whichever stream it came by; rejects with the reply's error, or at `close`. */
  command(id: string, body: CommandBody): Promise<unknown> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#commands.set(id, { body, resolve, reject });
      if (this.#attached) this.#send({ type: "command", id, fence: this.#options.fence, command: body });
    });
  }

  /** Ends the stream and fails what still waits for a reply, with `why`. The runner goes on by itself. */
  close(why = new RuntimeError("sandbox_lost", "The sandbox is gone.")): void {
    this.#closed ??= why;
    clearInterval(this.#pings);
    this.#stream?.destroy();
    this.#unwatch();
    this.#dropInbox();
    this.#count({ taken: -this.#takenBytes, partial: -this.#partialBytes });
    for (const command of this.#commands.values()) command.reject(why);
    this.#commands.clear();
  }

  #send(frame: ToRunnerFrame): void {
    this.#stream?.write(encodeLine(frame));
  }
}

/** Codes of a runner that say more than that its harness failed. */
const REPLY_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  "harness_timeout",
  "missing_dependency",
  "unknown_architecture",
]);

function replyError(error: { code: string; message: string } | undefined): RuntimeError {
  const code = error !== undefined && REPLY_CODES.has(error.code) ? (error.code as ErrorCode) : "harness_failed";
  return new RuntimeError(code, error?.message ?? "The runner refused a command without saying why.");
}
