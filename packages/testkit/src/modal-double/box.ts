import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { Duplex } from "node:stream";
import { INIT_INSIDE, NODE_INSIDE, bubblewrapOptions } from "./bubblewrap.ts";
import {
  FRAME,
  type Exit,
  type Frame,
  type FrameKind,
  type StartRequest,
  encodeFrame,
  frameReader,
} from "./inside/frames.ts";
import { type BoxLimits, makeLimitGroups, removeLimitGroups } from "./limits.ts";
import { Output } from "./output.ts";
import type { Tree } from "./tree.ts";

/** A program in a box: everything that it says is kept. */
export interface BoxProgram {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Also when the box ends: then by signal 9. */
  readonly exited: Promise<Exit>;
  /** false: it does not take any more. Resolves when the program's pipe has the bytes. */
  write(bytes: Uint8Array): Promise<boolean>;
  closeStdin(): void;
  kill(): void;
}

/** An isolated set of programs on this machine: they share a file system, and end together. */
export interface Box {
  /** Rejects with the system's word where there is no such program. */
  start(request: StartRequest): Promise<BoxProgram>;
  /** A connection to a port of the box's loopback. */
  connect(port: number): Promise<BoxProgram>;
  /** Whether control groups hold it to its limits. */
  readonly limited: boolean;
  readonly ended: Promise<void>;
  end(): Promise<void>;
}

export interface BoxOptions {
  readonly tree: Tree;
  /** For what its programs say. */
  readonly outputs: string;
  readonly hostNetwork?: boolean;
  /** Its name among the control groups, and what it may use at most, where this machine can hold it to that. */
  readonly group: string;
  readonly limits: BoxLimits;
}

interface Stream {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly started: PromiseWithResolvers<void>;
  readonly exited: PromiseWithResolvers<Exit>;
  readonly accepted: ((arrived: boolean) => void)[];
  over: boolean;
}

/** Starts bubblewrap with the double's own first program inside. Rejects with what bubblewrap said. */
export async function startBox({ tree, outputs, hostNetwork = false, group, limits }: BoxOptions): Promise<Box> {
  await mkdir(outputs, { recursive: true });
  // What bubblewrap is started with can be read inside: so nothing in its environment, and its options through a pipe.
  const groups = await makeLimitGroups(group, limits);
  const command = [findBubblewrap(), "--args", "4", "--", NODE_INSIDE, "--no-warnings", INIT_INSIDE];
  const child = spawn("/bin/sh", ["-c", ENTER_GROUPS, "sh", ...groups, "--", ...command], {
    // The shell tells its folder to what it starts.
    cwd: "/",
    env: {},
    stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
  });
  const said: string[] = [];
  child.stderr?.on("data", (text: Buffer) => said.push(text.toString()));
  const [line, optionsPipe] = child.stdio.slice(3) as [Duplex, Duplex];
  line.on("error", () => undefined);
  optionsPipe.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", (error) => {
      said.push(error.message);
      resolve();
    });
  });
  optionsPipe.end(bubblewrapOptions({ tree, hostNetwork }).join("\0"));
  const streams = new Map<number, Stream>();
  const ready = Promise.withResolvers<void>();
  const read = frameReader((frame) => (frame.kind === FRAME.ready ? ready.resolve() : take(streams, frame)));
  line.on("data", (chunk: Buffer) => {
    try {
      read(chunk);
    } catch {
      // Nonsense from inside is the end of the sandbox, and not of the double.
      child.kill("SIGKILL");
    }
  });
  const failed = ended.then(() => {
    throw new Error(`The sandbox did not start: ${said.join("").slice(0, 1000)}`);
  });
  failed.catch(() => undefined);
  await Promise.race([ready.promise, failed]);
  void ended.then(() => {
    endAll(streams);
    return removeLimitGroups(group);
  });
  return boxOf({ line, streams, outputs, limited: groups.length > 0, ended, kill: () => child.kill("SIGKILL") });
}

/** Nothing is started before it is held. */
const ENTER_GROUPS = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"';

function findBubblewrap(): string {
  const folders = (process.env["PATH"] ?? "").split(":").filter((folder) => isAbsolute(folder));
  const found = folders.map((folder) => join(folder, "bwrap")).find((path) => existsSync(path));
  if (found === undefined) throw new Error("The Modal double needs bubblewrap: install the package bubblewrap");
  return found;
}

interface BoxParts {
  readonly line: Duplex;
  readonly streams: Map<number, Stream>;
  readonly outputs: string;
  readonly limited: boolean;
  readonly ended: Promise<void>;
  kill(): void;
}

function boxOf(parts: BoxParts): Box {
  let last = 0;
  let over = false;
  void parts.ended.then(() => (over = true));
  const open = async (kind: FrameKind, request: string): Promise<BoxProgram> => {
    if (over) throw new Error("The sandbox is gone");
    last += 1;
    const number = last;
    const stream: Stream = {
      stdout: new Output(join(parts.outputs, `${number}.stdout`)),
      stderr: new Output(join(parts.outputs, `${number}.stderr`)),
      started: Promise.withResolvers(),
      exited: Promise.withResolvers(),
      accepted: [],
      over: false,
    };
    stream.started.promise.catch(() => undefined);
    parts.streams.set(number, stream);
    parts.line.write(encodeFrame(kind, number, request));
    await stream.started.promise;
    return programOf(number, stream, parts);
  };
  return {
    start: (request) => open(FRAME.start, JSON.stringify(request)),
    connect: (port) => open(FRAME.connect, String(port)),
    limited: parts.limited,
    ended: parts.ended,
    async end() {
      parts.kill();
      await parts.ended;
    },
  };
}

function programOf(number: number, stream: Stream, { line, streams }: BoxParts): BoxProgram {
  return {
    stdout: stream.stdout,
    stderr: stream.stderr,
    exited: stream.exited.promise,
    async write(bytes) {
      if (!streams.has(number)) return false;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      stream.accepted.push(resolve);
      line.write(encodeFrame(FRAME.stdin, number, bytes));
      return promise;
    },
    closeStdin: () => void line.write(encodeFrame(FRAME.stdinEnd, number)),
    kill: () => void line.write(encodeFrame(FRAME.kill, number)),
  };
}

function take(streams: Map<number, Stream>, { kind, stream: number, payload }: Frame): void {
  const stream = streams.get(number);
  if (stream === undefined) return;
  switch (kind) {
    case FRAME.started:
      return stream.started.resolve();
    case FRAME.failed:
      streams.delete(number);
      stream.stdout.end();
      stream.stderr.end();
      return stream.started.reject(new Error(payload.toString()));
    case FRAME.accepted:
      return stream.accepted.shift()?.(payload.toString() === "true");
    case FRAME.stdout:
      return stream.stdout.append(payload);
    case FRAME.stderr:
      return stream.stderr.append(payload);
    case FRAME.stdoutEnd:
      stream.stdout.end();
      break;
    case FRAME.stderrEnd:
      stream.stderr.end();
      break;
    case FRAME.exit:
      for (const accepted of stream.accepted.splice(0)) accepted(false);
      stream.over = true;
      stream.exited.resolve(JSON.parse(payload.toString()) as Exit);
      break;
    default:
      throw new Error(`A frame of kind ${kind}`);
  }
  // A program that it started may still speak.
  if (stream.over && stream.stdout.ended && stream.stderr.ended) streams.delete(number);
}

const KILLED: Exit = { signal: 9 };

function endAll(streams: Map<number, Stream>): void {
  for (const stream of streams.values()) {
    stream.started.reject(new Error("The sandbox is gone"));
    for (const accepted of stream.accepted.splice(0)) accepted(false);
    stream.exited.resolve(KILLED);
    stream.stdout.end();
    stream.stderr.end();
  }
  streams.clear();
}
