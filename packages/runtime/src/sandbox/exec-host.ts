import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import { checkCommand } from "./exec-command.ts";
import { eachLine, firstLine } from "./exec-lines.ts";
import { ExecRun } from "./exec-run.ts";
import { EXEC_STREAMS } from "./exec-wire.ts";
import type { ExecHello, ExecOrder, ExecReport } from "./exec-wire.ts";
import type { ExecOptions, SandboxProcess } from "./port.ts";

const Hello: z.ZodType<ExecHello> = z.union([
  z.object({ control: z.literal(true) }),
  z.object({ id: z.string().max(64), stream: z.enum(EXEC_STREAMS) }),
]);
const Report: z.ZodType<ExecReport> = z.union([
  z.object({ id: z.string().max(64), started: z.literal(true) }),
  z.object({ id: z.string().max(64), failed: z.string().max(64) }),
  z.object({ id: z.string().max(64), exit: z.int().min(0).max(255).nullable() }),
]);

/** Connections at once that have not said what they are. */
const MAX_STRANGERS = 1024;
const START_TIMEOUT_MS = 20_000;
const IDLE_MS = 60_000;

/** Where a sandbox's supervisors are asked for, and where their connections come from. */
export interface ExecDoor {
  /** Asks for a supervisor, which then opens connections. Rejects when it is told to by `signal`. */
  ask(signal: AbortSignal): Promise<void>;
  close(): void | Promise<void>;
}

export interface ExecHostParts {
  /** Opened when the first program is to be started. Both halves of a connection end by themselves (`allowHalfOpen`). */
  readonly door: (onStream: (stream: Duplex) => void) => Promise<ExecDoor>;
  /** Ends every wait: the sandbox is gone, or was let go of. */
  readonly signal: AbortSignal;
  /** Longest time until a supervisor inside has dialled, in ms (20 s). */
  readonly startTimeoutMs?: number;
  /** How long a supervisor is kept without a program, in ms (60 s). */
  readonly idleMs?: number;
}

/** Starts programs in a sandbox, through the supervisor inside. Nothing that comes from there is trusted. */
export class ExecHost {
  readonly #parts: ExecHostParts;
  readonly #runs = new Map<string, ExecRun>();
  /** Every connection from inside; those that have not said yet what they are. */
  readonly #streams = new Set<Duplex>();
  readonly #strangers = new Set<Duplex>();
  #door: Promise<ExecDoor> | undefined;
  /** The line to the supervisor. */
  #control: Promise<Duplex> | undefined;
  #dialled: ((stream: Duplex) => void) | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(parts: ExecHostParts) {
    this.#parts = parts;
    parts.signal.addEventListener("abort", () => this.#close(), { once: true });
  }

  get #startTimeoutMs(): number {
    return this.#parts.startTimeoutMs ?? START_TIMEOUT_MS;
  }

  async exec(command: readonly string[], options: ExecOptions): Promise<SandboxProcess> {
    const { cwd, environment = {}, signal } = options;
    checkCommand(command, options);
    signal?.throwIfAborted();
    clearTimeout(this.#idle);
    const id = randomBytes(9).toString("base64url");
    const run = new ExecRun(command[0] ?? "");
    this.#runs.set(id, run);
    let control: Duplex | undefined;
    const abort = (): void => {
      if (control?.destroyed === false) order(control, { kill: id });
      run.refuse(signal?.reason);
    };
    signal?.addEventListener("abort", abort);
    void run.over.then(() => signal?.removeEventListener("abort", abort));
    const late = setTimeout(() => run.refuse(slow()), 2 * this.#startTimeoutMs);
    try {
      control = await Promise.race([this.#supervisor(), run.started.then(notYet)]);
      order(control, { start: id, command, cwd, environment });
      return await run.started;
    } catch (error) {
      this.#forget(id);
      run.lose(error);
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  /** The line to the supervisor; asks for one where there is none. */
  #supervisor(): Promise<Duplex> {
    this.#control ??= this.#ask().catch((error: unknown) => {
      this.#control = undefined;
      throw error;
    });
    return this.#control;
  }

  async #ask(): Promise<Duplex> {
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
    promise.catch(() => undefined);
    const signal = AbortSignal.any([this.#parts.signal, AbortSignal.timeout(this.#startTimeoutMs)]);
    const refuse = (): void => reject(signal.reason);
    signal.addEventListener("abort", refuse);
    this.#dialled = resolve;
    try {
      signal.throwIfAborted();
      const door = await (this.#door ??= this.#open());
      await door.ask(signal);
      return await promise;
    } catch (error) {
      if (this.#parts.signal.aborted) throw lost();
      if (signal.aborted) throw slow();
      throw new RuntimeError("sandbox_unavailable", `The sandbox starts no programs: ${String(error)}`, {
        cause: error,
      });
    } finally {
      signal.removeEventListener("abort", refuse);
      this.#dialled = undefined;
    }
  }

  async #open(): Promise<ExecDoor> {
    try {
      return await this.#parts.door((stream) => this.#meet(stream));
    } catch (error) {
      this.#door = undefined;
      throw error;
    }
  }

  /** A connection from inside: its first line says what it is. */
  #meet(stream: Duplex): void {
    stream.on("error", () => undefined);
    if (this.#strangers.size >= MAX_STRANGERS || this.#parts.signal.aborted) return void stream.destroy();
    this.#strangers.add(stream);
    this.#streams.add(stream);
    stream.once("close", () => {
      this.#strangers.delete(stream);
      this.#streams.delete(stream);
    });
    firstLine(stream, (line) => {
      this.#strangers.delete(stream);
      const hello = parse(Hello, line);
      if (hello === null) stream.destroy();
      else if ("control" in hello) this.#take(stream);
      else {
        const run = this.#runs.get(hello.id);
        if (run === undefined) stream.destroy();
        else {
          run.attach(hello.stream, stream);
          if (run.complete) this.#forget(hello.id);
        }
      }
    });
  }

  #take(stream: Duplex): void {
    const dialled = this.#dialled;
    if (dialled === undefined) return void stream.destroy();
    this.#dialled = undefined;
    dialled(stream);
    const control = this.#control;
    stream.once("end", () => stream.destroy());
    stream.once("close", () => {
      // One that was sent away for want of work is not the line any more.
      if (this.#control !== control) return;
      this.#control = undefined;
      this.#loseAll();
    });
    eachLine(stream, (line) => {
      const report = parse(Report, line);
      if (report === null) return void stream.destroy();
      const run = this.#runs.get(report.id);
      if (run === undefined) {
        // Called off while it was being started.
        if ("started" in report && !stream.destroyed) order(stream, { kill: report.id });
        return;
      }
      run.report(report);
      if (run.complete) this.#forget(report.id);
    });
  }

  /** A program is over, or never was. The last one leaves the supervisor without work. */
  #forget(id: string): void {
    this.#runs.delete(id);
    if (this.#runs.size > 0) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#dismiss(), this.#parts.idleMs ?? IDLE_MS);
    this.#idle.unref();
  }

  #dismiss(): void {
    const control = this.#control;
    this.#control = undefined;
    control?.then((stream) => stream.destroy()).catch(() => undefined);
  }

  #loseAll(): void {
    for (const run of this.#runs.values()) run.lose(lost());
    this.#runs.clear();
  }

  #close(): void {
    clearTimeout(this.#idle);
    this.#loseAll();
    for (const stream of this.#streams) stream.destroy();
    this.#door?.then((door) => door.close()).catch(() => undefined);
  }
}

/** `started` cannot come before the order; what comes is a refusal. */
function notYet(): never {
  throw lost();
}

function order(control: Duplex, what: ExecOrder): void {
  if (control.destroyed) throw lost();
  control.write(`${JSON.stringify(what)}\n`);
}

function parse<T>(schema: z.ZodType<T>, line: string): T | null {
  try {
    return schema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

function slow(): RuntimeError {
  return new RuntimeError("sandbox_unavailable", "The sandbox starts no programs: nothing answered in time");
}

function lost(): RuntimeError {
  return new RuntimeError("sandbox_lost", "The sandbox, or the line to it, is gone");
}
