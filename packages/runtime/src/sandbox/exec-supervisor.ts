/**
 * Runs inside a sandbox of this host, once for each server that asked for it by the FIFO: starts programs as the server
 * says, until the server's line ends; then it ends them and itself. Trusts the server. Bundled into one file.
 */
import { spawn } from "node:child_process";
import { createConnection } from "node:net";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { EXEC_STREAMS } from "./exec-wire.ts";
import type { ExecHello, ExecOrder, ExecReport } from "./exec-wire.ts";

const path = `${process.env["AGENT_RUNTIME_SOCKETS"] ?? ""}/${process.argv[2] ?? ""}`;
const workspace = process.env["AGENT_RUNTIME_WORKSPACE"];
/** Groups of the programs that run, by id. */
const running = new Map<string, number>();

/** A connection that says what it is. It is not read here: what comes is for the program. */
function dial(hello: ExecHello): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, allowHalfOpen: true });
    socket.pause();
    socket.once("error", reject);
    socket.write(`${JSON.stringify(hello)}\n`, () => {
      socket.off("error", reject);
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

async function start(control: Socket, order: Extract<ExecOrder, { start: string }>): Promise<void> {
  const { start: id, command, cwd, environment } = order;
  const report = (what: ExecReport): void => void control.write(`${JSON.stringify(what)}\n`);
  const [program = "", ...rest] = command;
  const streams = await Promise.all(EXEC_STREAMS.map((stream) => dial({ id, stream })));
  const close = (): void => {
    for (const stream of streams) stream.destroy();
  };
  const fail = (error: unknown): void => {
    running.delete(id);
    close();
    report({ id, failed: error instanceof Error && "code" in error ? String(error.code) : "EINVAL" });
  };
  try {
    // A group of its own, to be killed as one; the sockets themselves are its standard input, output and error.
    const child = spawn(program, rest, {
      cwd: cwd ?? workspace,
      env: { ...process.env, ...environment },
      detached: true,
      stdio: streams,
    });
    child.once("error", fail);
    child.once("spawn", () => {
      running.set(id, child.pid ?? 0);
      report({ id, started: true });
      // Ours would keep the server from seeing that the program has closed its input.
      streams[0]?.destroy();
    });
    child.once("exit", (code) => {
      running.delete(id);
      // Shut, and not only closed: what the program has left running may hold its outputs open for ever.
      for (const stream of streams.slice(1)) stream.end(() => stream.destroy());
      report({ id, exit: code });
    });
  } catch (error) {
    fail(error);
  }
}

function kill(id: string): void {
  const pid = running.get(id);
  if (pid === undefined || pid <= 1) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function end(): void {
  for (const id of running.keys()) kill(id);
  process.exit(0);
}

const control = await dial({ control: true });
control.on("end", end);
control.on("close", end);
const lines = createInterface({ input: control });
lines.on("error", end);
lines.on("line", (line) => {
  const order = JSON.parse(line) as ExecOrder;
  if ("kill" in order) kill(order.kill);
  else start(control, order).catch(end);
});
