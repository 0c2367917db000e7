import type { Duplex, Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { EXEC_STREAMS } from "./exec-wire.ts";
import type { ExecReport, ExecStream } from "./exec-wire.ts";
import type { SandboxProcess } from "./port.ts";

/** What makes a program not start, and is the caller's to mend; everything else may pass. */
const CALLERS_FAULTS: ReadonlySet<string> = new Set(["ENOENT", "EACCES", "ENOTDIR", "EINVAL", "E2BIG", "ENAMETOOLONG"]);

/** One program inside, from the order to start it until its end. */
export class ExecRun {
  /** Resolves when it runs, with its streams. */
  readonly started: Promise<SandboxProcess>;
  /** Resolves when it has ended; its output may still be on the way. */
  readonly over: Promise<unknown>;
  readonly #name: string;
  readonly #streams = new Map<ExecStream, Duplex>();
  readonly #start = Promise.withResolvers<SandboxProcess>();
  readonly #exit = Promise.withResolvers<{ readonly code: number | null }>();
  #running = false;
  #ended = false;

  constructor(name: string) {
    this.#name = name;
    this.started = this.#start.promise;
    this.over = this.#exit.promise;
    // It may be given up before anybody waits for it.
    this.started.catch(() => undefined);
  }

  /** Nothing more is awaited from inside. */
  get complete(): boolean {
    return this.#ended && (!this.#running || this.#streams.size === EXEC_STREAMS.length);
  }

  /** One of its connections; a second for the same stream is not taken. */
  attach(name: ExecStream, stream: Duplex): void {
    if (this.#streams.has(name)) return void stream.destroy();
    this.#streams.set(name, stream);
    // Each goes one way.
    if (name === "stdin") stream.resume();
    else stream.end();
    this.#tell();
  }

  /** What the supervisor says of it; its end may be heard before its connections are. */
  report(what: ExecReport): void {
    if ("failed" in what) return this.#fail(what.failed);
    if ("exit" in what) {
      this.#ended = true;
      this.#exit.resolve({ code: what.exit });
    } else this.#running = true;
    this.#tell();
  }

  /** Whoever waits for its start waits no longer; one that runs is not touched. */
  refuse(reason: unknown): void {
    this.#start.reject(reason);
  }

  /** The line to it is gone, and with it the program. */
  lose(reason: unknown): void {
    this.#ended = true;
    this.#running = false;
    this.#start.reject(reason);
    this.#exit.resolve({ code: null });
    for (const stream of this.#streams.values()) stream.destroy();
  }

  #tell(): void {
    const [stdin, stdout, stderr] = EXEC_STREAMS.map((stream) => this.#streams.get(stream));
    if (!this.#running || stdin === undefined || stdout === undefined || stderr === undefined) return;
    const exited = this.#exit.promise.then(async (end) => {
      await Promise.all([given(stdout), given(stderr)]);
      return end;
    });
    this.#start.resolve({ stdin, stdout, stderr, exited });
    if (this.#ended) stdin.destroy();
  }

  #fail(code: string): void {
    const fault = CALLERS_FAULTS.has(code) ? "invalid_request" : "sandbox_unavailable";
    this.lose(new RuntimeError(fault, `The sandbox cannot start ${JSON.stringify(this.#name)}: ${code}`));
  }
}

/** Resolves when whoever reads the output has it all; at once where nobody does, since it would wait for ever. */
async function given(output: Readable): Promise<void> {
  if (output.readableFlowing === null && output.listenerCount("readable") === 0) return;
  await finished(output, { writable: false }).catch(() => undefined);
}
