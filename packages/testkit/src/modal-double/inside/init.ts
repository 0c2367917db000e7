/** The first program of a sandbox of the Modal double: starts what the double asks for, and carries its streams. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type Socket, Socket as LineSocket, connect } from "node:net";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { runFileTool } from "./file-tool.ts";
import { FRAME, type Frame, type FrameKind, type StartRequest, encodeFrame, frameReader } from "./frames.ts";

/** Where Modal has its own program for files; here the first program does it by itself. */
const FILE_TOOL = "/__modal/.bin/modal-sandbox-fs-tools";

interface Running {
  readonly stdin: Writable;
  kill(): void;
}

const line = new LineSocket({ fd: 3 });
const running = new Map<number, Running>();

function send(kind: FrameKind, stream: number, payload: Uint8Array | string = ""): void {
  line.write(encodeFrame(kind, stream, payload));
}

/** Reads on only when the line to the double has taken what was read. */
async function carry(source: Readable, stream: number, kinds: { data: FrameKind; end: FrameKind }): Promise<void> {
  try {
    for await (const chunk of source) {
      const bytes = chunk as Buffer;
      for (let at = 0; at < bytes.length; at += 256 * 1024) {
        if (!line.write(encodeFrame(kinds.data, stream, bytes.subarray(at, at + 256 * 1024))))
          await once(line, "drain");
      }
    }
  } catch {
    // A broken pipe is an end like another.
  }
  send(kinds.end, stream);
}

const STDOUT = { data: FRAME.stdout, end: FRAME.stdoutEnd };
const STDERR = { data: FRAME.stderr, end: FRAME.stderrEnd };

function start(stream: number, request: StartRequest): void {
  const [program, ...rest] = request.command;
  if (program === undefined) return send(FRAME.failed, stream, "The command is empty");
  if (program === FILE_TOOL) return startFileTool(stream, rest[0] ?? "");
  const child = trySpawn(program, rest, request);
  if (child instanceof Error) return send(FRAME.failed, stream, child.message);
  child.once("error", (error) => {
    if (child.pid === undefined) send(FRAME.failed, stream, error.message);
  });
  child.once("spawn", () => follow(stream, child));
}

/** Some arguments are refused at once, such as text with a zero in it. */
function trySpawn(program: string, rest: readonly string[], { cwd, environment }: StartRequest): ChildProcess | Error {
  try {
    const env = { ...environment };
    return spawn(program, rest, { cwd, env, stdio: ["pipe", "pipe", "pipe"], detached: true });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function follow(stream: number, child: ChildProcess): void {
  const { pid, stdin, stdout, stderr } = child;
  if (pid === undefined || stdin === null || stdout === null || stderr === null) return;
  stdin.on("error", () => undefined);
  running.set(stream, { stdin, kill: () => killGroup(pid) });
  send(FRAME.started, stream);
  void carry(stdout, stream, STDOUT);
  void carry(stderr, stream, STDERR);
  child.once("exit", (code, signal) => {
    running.delete(stream);
    const number = signal === null ? undefined : constants.signals[signal];
    send(FRAME.exit, stream, JSON.stringify(number === undefined ? { code: code ?? 0 } : { signal: number }));
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It was quicker.
  }
}

function startFileTool(stream: number, request: string): void {
  const tool = runFileTool(request);
  running.set(stream, { stdin: tool.stdin, kill: () => tool.abort() });
  tool.stdin.on("error", () => undefined);
  send(FRAME.started, stream);
  const streams = [carry(tool.stdout, stream, STDOUT), carry(tool.stderr, stream, STDERR)];
  void (async () => {
    const code = await tool.exited;
    await Promise.all(streams);
    running.delete(stream);
    send(FRAME.exit, stream, JSON.stringify({ code }));
  })();
}

function connectTo(stream: number, port: number): void {
  const socket: Socket = connect({ host: "127.0.0.1", port });
  socket.once("error", (error) => {
    if (!running.has(stream)) send(FRAME.failed, stream, error.message);
  });
  socket.once("connect", () => {
    running.set(stream, { stdin: socket, kill: () => socket.destroy() });
    socket.on("error", () => undefined);
    send(FRAME.started, stream);
    void carry(socket, stream, STDOUT);
  });
  socket.once("close", () => {
    if (running.delete(stream)) send(FRAME.exit, stream, JSON.stringify({ code: 0 }));
  });
}

function write(stream: number, bytes: Buffer): void {
  const answer = (error?: Error | null): void =>
    send(FRAME.accepted, stream, JSON.stringify(error === null || error === undefined));
  const target = running.get(stream)?.stdin;
  if (target === undefined || target.destroyed || target.writableEnded) answer(new Error("closed"));
  else target.write(bytes, answer);
}

function take({ kind, stream, payload }: Frame): void {
  switch (kind) {
    case FRAME.start:
      return start(stream, JSON.parse(payload.toString()) as StartRequest);
    case FRAME.connect:
      return connectTo(stream, Number(payload.toString()));
    case FRAME.stdin:
      return write(stream, payload);
    case FRAME.stdinEnd:
      return void running.get(stream)?.stdin.end();
    case FRAME.kill:
      return running.get(stream)?.kill();
    default:
      throw new Error(`A frame of kind ${kind}`);
  }
}

// The double is gone: so is the sandbox.
line.on("close", () => process.exit(0));
line.on("error", () => process.exit(1));
line.on("data", frameReader(take));
send(FRAME.ready, 0);
