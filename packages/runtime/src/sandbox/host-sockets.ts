import { randomBytes } from "node:crypto";
import { rename, rm, stat } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { SandboxChannel } from "./port.ts";

/** Open at once on one channel: more than any runner needs, and far from using up the server's descriptors. */
export const MAX_STREAMS = 512;
const LOOK_MS = 1000;

export interface ChannelListener {
  /** Stops listening and ends the streams that it gave. */
  close(): Promise<void>;
}

export interface ListeningPlace {
  readonly folder: string;
  readonly channel: SandboxChannel;
  /** How often to look whether it is still this listener's, in ms (1 s). */
  readonly lookMs?: number;
}

/**
 * Listens on the channel's socket in the folder. It listens under a name of its own and then takes the channel's: a
 * stale socket is replaced in one step, and a late `close` of an earlier listener cannot remove a newer one's. One whose
 * socket another listener took gets it back when that one is gone: it was a server that did not know yet that the
 * sandbox is not its own any more.
 */
export async function listenOn(
  { folder, channel, lookMs = LOOK_MS }: ListeningPlace,
  onStream: (stream: Duplex) => void,
): Promise<ChannelListener> {
  const path = join(folder, `${channel}.sock`);
  const sockets = new Set<Socket>();
  const onSocket = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // Whoever takes the stream listens too; an error of a peer must not end the server while nobody does.
    socket.on("error", () => undefined);
    onStream(socket);
  };
  let bound = await bind(path, onSocket);
  let looking: Promise<void> | undefined;
  let closed = false;
  const look = async (): Promise<void> => {
    if ((await inodeOf(path)) === bound.inode || (await isHeard(path)) || closed) return;
    const before = bound;
    bound = await bind(path, onSocket);
    before.server.close();
  };
  const timer = setInterval(() => {
    // Where its folder is gone there is nothing to take back.
    looking ??= look()
      .catch(() => undefined)
      .finally(() => {
        looking = undefined;
      });
  }, lookMs);
  timer.unref();
  return {
    async close() {
      closed = true;
      clearInterval(timer);
      await looking;
      const over = new Promise<void>((resolve) => bound.server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await over;
    },
  };
}

interface Bound {
  readonly server: Server;
  readonly inode: number | undefined;
}

async function bind(path: string, onSocket: (socket: Socket) => void): Promise<Bound> {
  const own = `${path}.${randomBytes(4).toString("hex")}`;
  const server = createServer({ allowHalfOpen: false }, onSocket);
  server.maxConnections = MAX_STREAMS;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      // Its folder is private; who may look into that may speak here, and a sandbox can be another user than the server.
      server.listen({ path: own, writableAll: true }, resolve);
    });
    const inode = await inodeOf(own);
    await rename(own, path);
    server.on("error", () => undefined);
    return { server, inode };
  } catch (error) {
    server.close();
    await rm(own, { force: true });
    throw new RuntimeError("sandbox_unavailable", `Cannot listen on ${path}: ${String(error)}`, { cause: error });
  }
}

async function inodeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ ino }) => ino,
    () => undefined,
  );
}

/** Whether somebody listens there, awake or not. */
function isHeard(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error) => resolve(!("code" in error && isDead(error.code))));
  });
}

function isDead(code: unknown): boolean {
  return code === "ECONNREFUSED" || code === "ENOENT";
}
