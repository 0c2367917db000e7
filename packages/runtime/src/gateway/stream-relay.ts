import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { StreamGateway } from "./gateway.ts";

const NEWLINE = 10;
const LONGEST_TOKEN = 200;
const FIRST_LINE_MS = 5_000;

/**
 * In the gateway's process: takes streams that servers pass on from sandboxes of other hosts. Each begins with the
 * sandbox's token on a line of its own.
 */
export async function takeRelayed(
  path: string,
  gateway: Pick<StreamGateway, "guestOf">,
): Promise<{ close(): Promise<void> }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    socket.on("error", () => socket.destroy());
    const late = setTimeout(() => socket.destroy(), FIRST_LINE_MS);
    socket.once("close", () => clearTimeout(late));
    let received: Buffer = Buffer.alloc(0);
    socket.on("data", function take(chunk: Buffer) {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf(NEWLINE);
      if (end === -1 && received.length <= LONGEST_TOKEN) return;
      clearTimeout(late);
      socket.off("data", take).pause();
      const guest = end === -1 ? null : gateway.guestOf(received.subarray(0, end).toString());
      if (guest === null) return void socket.destroy();
      const rest = received.subarray(end + 1);
      if (rest.length > 0) socket.unshift(rest);
      guest.handle(socket);
      socket.resume();
    });
  });
  server.listen(path);
  await once(server, "listening");
  return {
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** In a server: passes a sandbox's stream on, bytes both ways. Where the gateway is away the stream ends, and is tried again. */
export function relay(stream: Duplex, { path, token }: { path: string; token: string }): void {
  const far = connect(path);
  far.write(`${token}\n`);
  stream.on("error", () => far.destroy());
  far.on("error", () => stream.destroy());
  stream.once("close", () => far.destroy());
  far.once("close", () => stream.destroy());
  stream.pipe(far);
  far.pipe(stream);
}
