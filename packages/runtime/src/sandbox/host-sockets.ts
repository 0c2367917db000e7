import { randomBytes } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { SandboxChannel } from "./port.ts";

/** Open at once on one channel: more than any runner needs, and far from using up the server's descriptors. */
export const MAX_STREAMS = 512;

export interface ChannelListener {
  /** Stops listening and ends the streams that it gave. */
  close(): Promise<void>;
}

/**
 * Listens on the channel's socket in `folder`. It listens under a name of its own and then takes the channel's: a
 * stale socket is replaced in one step, and a late `close` of an earlier listener cannot remove a newer one's.
 */
export async function listenOn(
  folder: string,
  channel: SandboxChannel,
  onStream: (stream: Duplex) => void,
): Promise<ChannelListener> {
  const path = join(folder, `${channel}.sock`);
  const own = `${path}.${randomBytes(4).toString("hex")}`;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // Whoever takes the stream listens too; an error of a peer must not end the server while nobody does.
    socket.on("error", () => undefined);
    onStream(socket);
  });
  server.maxConnections = MAX_STREAMS;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      // Its folder is private; who may look into that may speak here, and a sandbox can be another user than the server.
      server.listen({ path: own, writableAll: true }, resolve);
    });
    await rename(own, path);
  } catch (error) {
    server.close();
    await rm(own, { force: true });
    throw new RuntimeError("sandbox_unavailable", `Cannot listen on ${path}: ${String(error)}`, { cause: error });
  }
  server.on("error", () => undefined);
  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
