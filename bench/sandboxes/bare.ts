/** The technologies below the providers, as one would use them without a runtime. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { now } from "../clock.ts";

export const DIALLER = fileURLToPath(new URL("./dialler.mjs", import.meta.url));
/** What is written and read. */
export const FILE_BYTES = Buffer.alloc(8 * 1024 * 1024, "Sixteen letters ");

export type Step = "ready" | "exec" | "write" | "read";

export interface Bare {
  /** What of ours it stands beside. */
  readonly step: Step;
  readonly name: string;
  /** Does it once; milliseconds. */
  measure(): Promise<number>;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = now();
  await work();
  return now() - from;
}

/** Runs it to its end. Throws where that is not a good one. */
export async function runToEnd({ program, args }: Command, input?: Uint8Array): Promise<Buffer> {
  const child = spawn(program, args, { stdio: [input === undefined ? "ignore" : "pipe", "pipe", "inherit"] });
  const closed = once(child, "close");
  child.stdin?.end(input);
  const [said, [code]] = await Promise.all([child.stdout === null ? Buffer.of() : buffer(child.stdout), closed]);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}`);
  return said;
}

/** From its start until the dialler in it has dialled; then it is waited for, which is not measured. */
export async function untilDialled({ program, args }: Command, sockets: string): Promise<number> {
  const server = createServer();
  server.listen(join(sockets, "runner.sock"));
  await once(server, "listening");
  try {
    const from = now();
    const env = { PATH: process.env["PATH"], HOME: "/", AGENT_RUNTIME_SOCKETS: sockets };
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"], env });
    const closed = once(child, "close");
    const early = closed.then(([code]) => Promise.reject(new Error(`${program} ended with ${code} and did not dial`)));
    const [socket] = (await Promise.race([once(server, "connection"), early])) as [Socket];
    early.catch(() => undefined);
    const ms = now() - from;
    socket.destroy();
    await closed;
    return ms;
  } finally {
    server.close();
  }
}

/** Checks that a file came back as it was. */
export function expectFile(bytes: Uint8Array): void {
  if (!FILE_BYTES.equals(bytes)) throw new Error("the file is not what was written");
}
