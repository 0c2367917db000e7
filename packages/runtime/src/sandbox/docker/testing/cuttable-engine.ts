import { once } from "node:events";
import { rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";

/** A way to an engine that can be cut and mended, as if the engine went and came. */
export interface CuttableEngine extends AsyncDisposable {
  readonly host: string;
  cut(): void;
  mend(): Promise<void>;
}

export async function cuttableEngine(host: string, path: string): Promise<CuttableEngine> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  async function mend(): Promise<void> {
    await rm(path, { force: true });
    server = createServer({ allowHalfOpen: true }, (from) => {
      const to = connect({ path: host.slice("unix://".length), allowHalfOpen: true });
      for (const socket of [from, to]) {
        sockets.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => sockets.delete(socket));
      }
      from.pipe(to);
      to.pipe(from);
      from.on("close", () => to.destroy());
      to.on("close", () => from.destroy());
    });
    server.listen(path);
    await once(server, "listening");
  }
  function cut(): void {
    // Removes its file as well.
    server?.close();
    for (const socket of sockets) socket.destroy();
  }
  await mend();
  return {
    host: `unix://${path}`,
    cut,
    mend,
    async [Symbol.asyncDispose]() {
      cut();
    },
  };
}
