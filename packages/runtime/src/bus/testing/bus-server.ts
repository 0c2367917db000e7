import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export type BusKind = "redis" | "nats";

/** A real server of a bus, on loopback. */
export interface BusServer {
  readonly url: string;
  readonly port: number;
  /** At once, as if it had been killed. */
  stop(): Promise<void>;
}

const READY_MS = 15_000;

export interface BusServerOptions {
  /** Absent: any free one. */
  readonly port?: number;
  /** Of the user `user`; absent: everybody may come. */
  readonly password?: string;
}

const COMMANDS: Readonly<Record<BusKind, (port: number, password: string | undefined) => readonly string[]>> = {
  redis: (port, password) => [
    "redis-server",
    "--bind",
    "127.0.0.1",
    "--port",
    String(port),
    "--save",
    "",
    "--appendonly",
    "no",
    ...(password === undefined
      ? []
      : ["--user", "user", "on", "+@all", "allchannels", `>${password}`, "--user", "default", "off"]),
  ],
  nats: (port, password) => [
    "nats-server",
    "-a",
    "127.0.0.1",
    "-p",
    String(port),
    ...(password === undefined ? [] : ["--user", "user", "--pass", password]),
  ],
};

/** Starts one. It ends with this process. Throws where it is not installed. */
export async function startBusServer(kind: BusKind, options: BusServerOptions = {}): Promise<BusServer> {
  const port = options.port ?? (await freePort());
  const command = COMMANDS[kind](port, options.password);
  const [program = "", ...args] = existsSync("/usr/bin/setpriv")
    ? ["/usr/bin/setpriv", "--pdeathsig", "KILL", ...command]
    : command;
  const path = `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin`;
  const child = spawn(program, args, { cwd: "/", stdio: "ignore", env: { PATH: path } });
  let failure: string | undefined;
  const exited = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      failure = error.message;
      resolve();
    });
    child.once("exit", (code) => {
      failure ??= `it ended with ${code}: is ${kind}-server installed?`;
      resolve();
    });
  });
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  const deadline = performance.now() + READY_MS;
  while (!(await listens(port))) {
    if (failure !== undefined || performance.now() > deadline) {
      await stop();
      throw new Error(`${kind}-server does not start here: ${failure ?? "it does not listen"}`);
    }
    await sleep(20);
  }
  return { url: `${kind}://127.0.0.1:${port}`, port, stop };
}

function listens(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1");
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
