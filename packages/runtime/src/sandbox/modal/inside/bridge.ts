/**
 * Joins the sockets of a sandbox with the server, over standard input and output: started anew by each server that
 * attaches, and when the line to it broke. The newest bridge has the sockets. It ends itself when it hears nothing, so
 * that what runs inside is not held by a server that is gone. Bundled into one file.
 */
import { chmodSync, closeSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { spawn } from "node:child_process";
import { createServer, Socket } from "node:net";
import type { Server } from "node:net";
import { join } from "node:path";
import { FRAME, FrameReader, LINE_VERSION, encodeFrame } from "../line/frames.ts";
import type { Frame } from "../line/frames.ts";
import { Mux } from "../line/mux.ts";
import { agentUser } from "./agent-user.ts";
import { EXEC_CHANNEL, INSIDE, insideVariables } from "./paths.ts";

/** Without a word from the server for so long it is gone; it says something every few seconds. */
const SILENCE_MS = 30_000;
const LOOK_MS = 500;

const folders = { sockets: process.argv[2] ?? INSIDE.sockets, bridges: process.argv[3] ?? INSIDE.bridges };
const supervisor = process.argv[4] ?? INSIDE.execSupervisor;
// Not `process.stdout`: where nobody reads, a write there may block this process.
const output = new Socket({ fd: 1, readable: false, writable: true });
const input = process.stdin;
const listening = new Map<string, Server>();
const mux = new Mux({ send, allowHalfOpen: () => true });
const reader = new FrameReader();
const number = takeNumber();
let heard = performance.now();

function send(frame: Buffer): void {
  output.write(frame);
}

/** At once, whatever is still to be written: who reads it has the end of the line as the answer. */
function end(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("unreachable");
}

/** Each bridge of a sandbox gets a higher number than those before it. */
function takeNumber(): number {
  for (;;) {
    const mine = highest() + 1;
    try {
      closeSync(openSync(join(folders.bridges, String(mine)), "wx"));
      for (const older of numbers().filter((each) => each < mine)) {
        rmSync(join(folders.bridges, String(older)), { force: true });
      }
      return mine;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
  }
}

function numbers(): number[] {
  return readdirSync(folders.bridges)
    .filter((name) => /^\d{1,15}$/.test(name))
    .map(Number);
}

function highest(): number {
  return Math.max(0, ...numbers());
}

/** Under a name of its own first: a socket that an older bridge left is replaced in one step. */
function listen(channel: string): void {
  if (listening.has(channel)) return;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    const stream = mux.open(channel);
    if (stream === undefined) return void socket.destroy();
    for (const [from, to] of [
      [socket, stream],
      [stream, socket],
    ] as const) {
      from.pipe(to);
      from.on("close", () => {
        if (!to.readableEnded || !to.writableEnded) to.destroy();
      });
    }
  });
  listening.set(channel, server);
  const path = join(folders.sockets, `${channel}.sock`);
  const own = `${path}.${number}`;
  server.on("error", end);
  server.listen(own, () => {
    chmodSync(own, 0o666);
    renameSync(own, path);
    send(encodeFrame(FRAME.listening, 0, Buffer.from(channel)));
  });
}

/** A program that starts programs, as the agent's user, for as long as its line lasts. */
function startSupervisor(): void {
  const child = spawn(process.execPath, [supervisor, `${EXEC_CHANNEL}.sock`], {
    env: insideVariables(process.env),
    stdio: "ignore",
    detached: true,
    ...agentUser(),
  });
  child.on("error", () => undefined);
}

function take(frame: Frame): void {
  switch (frame.type) {
    case FRAME.ping:
      return send(encodeFrame(FRAME.pong, 0));
    case FRAME.listen:
      return listen(frame.payload.toString("utf8"));
    case FRAME.supervise:
      return startSupervisor();
    case FRAME.unlisten: {
      const channel = frame.payload.toString("utf8");
      listening.get(channel)?.close();
      listening.delete(channel);
      return;
    }
    default:
      return mux.take(frame);
  }
}

input.on("data", (chunk: Buffer) => {
  heard = performance.now();
  for (const frame of reader.push(chunk)) take(frame);
});
input.on("end", end);
input.on("error", end);
output.on("error", end);
process.on("uncaughtException", end);
setInterval(() => {
  if (performance.now() - heard > SILENCE_MS) end();
  if (highest() <= number || output.writableEnded) return;
  output.end(encodeFrame(FRAME.replaced, 0), end);
  // Where nobody reads, that never ends.
  setTimeout(end, LOOK_MS);
}, LOOK_MS);
send(encodeFrame(FRAME.hello, 0, Buffer.from(JSON.stringify({ version: LINE_VERSION, number }))));
