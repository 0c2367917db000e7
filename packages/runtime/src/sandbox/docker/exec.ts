import { Writable } from "node:stream";
import type { Duplex, PassThrough, Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { checkCommand } from "../exec-command.ts";
import type { ExecOptions, SandboxProcess } from "../port.ts";
import { INSIDE } from "./container-request.ts";
import { engineStatus } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { splitOutput } from "./exec-output.ts";

/**
 * Says first, on standard error, its own number, which the program then has, or that there is no such program: the
 * engine tells neither, and it can kill no program of its own starting.
 */
const START = `set -f
case $1 in
*/*) program=$1 ;;
*) program=; IFS=:; for folder in $PATH; do
  if [ -f "$folder/$1" ] && [ -x "$folder/$1" ]; then program=$folder/$1; break; fi
done; unset IFS ;;
esac
if [ ! -f "$program" ] || [ ! -x "$program" ]; then echo missing >&2; exit 127; fi
echo "$$" >&2
exec "$@"`;

/** The program is the first of a group of its own. */
const KILL = 'kill -9 -- "-$1" 2>/dev/null || kill -9 "$1"';

const MAX_FIRST_LINE = 64;
/** Codes that stand for the signals that end programs: HUP, INT, ABRT, KILL, SEGV, TERM. */
const KILLED: ReadonlySet<number> = new Set([1, 2, 6, 9, 11, 15].map((signal) => 128 + signal));

export interface ExecPlace {
  readonly engine: Engine;
  /** Id of the container. */
  readonly container: string;
}

/** Starts a program in a container by the engine's own means, which nothing inside can hinder. See `Sandbox.exec`. */
export async function execInContainer(
  place: ExecPlace,
  command: readonly string[],
  options: ExecOptions,
): Promise<SandboxProcess> {
  checkCommand(command, options);
  const { signal } = options;
  signal?.throwIfAborted();
  const { id, stream } = await open(place, command, options);
  stream.on("error", () => undefined);
  const { stdout, stderr } = splitOutput(stream);
  const first = await firstLine(stderr, stdout).catch((error: unknown) => {
    stream.destroy();
    throw error;
  });
  if (!/^\d+$/.test(first)) {
    stream.destroy();
    throw new RuntimeError("invalid_request", `The sandbox cannot start ${JSON.stringify(command[0])}: ${first}`);
  }
  const abort = (): void => {
    void kill(place, first)
      .catch(() => undefined)
      .finally(() => stream.destroy());
  };
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted === true) abort();
  const exited = exitOf(place, { id, stream }).then(async (end) => {
    signal?.removeEventListener("abort", abort);
    await Promise.all([given(stdout), given(stderr)]);
    return signal?.aborted === true ? { code: null } : end;
  });
  return { stdin: inputOf(stream), stdout, stderr, exited };
}

async function open(
  { engine, container }: ExecPlace,
  command: readonly string[],
  { cwd = INSIDE.workspace, environment = {} }: ExecOptions,
): Promise<{ id: string; stream: Duplex }> {
  try {
    return await engine.call(async (docker, abortSignal) => {
      const exec = await docker.getContainer(container).exec({
        Cmd: ["/bin/sh", "-c", START, "sh", ...command],
        Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
        WorkingDir: cwd,
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: false,
        abortSignal,
      });
      const stream = await exec.start({ hijack: true, stdin: true, Tty: false, Detach: false });
      return { id: exec.id, stream };
    });
  } catch (error) {
    const status = engineStatus(error);
    if (status === 404 || status === 409) {
      throw new RuntimeError("sandbox_lost", "The sandbox is gone", { cause: error });
    }
    throw error;
  }
}

/** Takes the first line off `stderr`. Rejects with what the engine said instead of starting anything. */
async function firstLine(stderr: PassThrough, stdout: PassThrough): Promise<string> {
  let line = "";
  for (;;) {
    const piece = stderr.read(1) as Buffer | null;
    if (piece !== null) {
      const character = piece.toString("latin1");
      if (character === "\n") return line;
      line += character;
      if (line.length > MAX_FIRST_LINE) throw new RuntimeError("sandbox_unavailable", "The sandbox's shell is strange");
      continue;
    }
    if (stderr.readableEnded || stderr.writableFinished) throw explainRefusal(String(stdout.read() ?? ""));
    await nextData(stderr);
  }
}

function nextData(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ["readable", "finish", "end", "close"]) stream.off(event, done);
      resolve();
    };
    for (const event of ["readable", "finish", "end", "close"]) stream.once(event, done);
  });
}

function explainRefusal(said: string): RuntimeError {
  const text = said.trim();
  if (/chdir to cwd|argument list too long/i.test(text)) {
    return new RuntimeError("invalid_request", `The sandbox cannot start the program: ${text}`);
  }
  if (text === "") return new RuntimeError("sandbox_lost", "The sandbox, or the line to it, is gone");
  return new RuntimeError("sandbox_unavailable", `The sandbox cannot start the program: ${text}`);
}

async function kill({ engine, container }: ExecPlace, pid: string): Promise<void> {
  await engine.call(async (docker, abortSignal) => {
    const exec = await docker
      .getContainer(container)
      .exec({ Cmd: ["/bin/sh", "-c", KILL, "sh", pid], AttachStdout: true, AttachStderr: true, abortSignal });
    const stream = await exec.start({ hijack: true, stdin: false });
    stream.resume();
    await finished(stream, { writable: false }).catch(() => undefined);
  });
}

async function exitOf(
  { engine }: ExecPlace,
  { id, stream }: { id: string; stream: Duplex },
): Promise<{ readonly code: number | null }> {
  await new Promise<void>((resolve) => {
    if (stream.closed) resolve();
    for (const event of ["end", "close"]) stream.once(event, resolve);
  });
  try {
    for (let wait = 2; ; wait = Math.min(wait * 2, 500)) {
      const found = await engine.call((docker, abortSignal) => docker.getExec(id).inspect({ abortSignal }));
      if (!found.Running) return { code: codeOf(found.ExitCode) };
      // Its outputs were closed by itself, or the line to the engine broke: then nobody knows for how long it goes on.
      if (stream.errored !== null) return { code: null };
      await sleep(wait);
    }
  } catch {
    return { code: null };
  }
}

function codeOf(code: number | null): number | null {
  return code === null || KILLED.has(code) ? null : code;
}

/** What is written after the program has gone is nobody's. */
function inputOf(stream: Duplex): Writable {
  const input = new Writable({
    write: (chunk, _encoding, done) => void stream.write(chunk, (error) => done(error ?? null)),
    final: (done) => void stream.end(() => done()),
  });
  input.on("error", () => undefined);
  stream.once("close", () => input.destroy());
  return input;
}

/** Resolves when whoever reads the output has it all; at once where nobody does, since it would wait for ever. */
async function given(output: Readable): Promise<void> {
  if (output.readableFlowing === null && output.listenerCount("readable") === 0) return;
  await finished(output, { writable: false }).catch(() => undefined);
}
