import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import type { ExecDoor, ExecHostParts } from "./exec-host.ts";
import { askForSupervisor } from "./exec-start.ts";

/** The door of a sandbox of this host: a socket of this server's own in the folder that is seen inside, and the FIFO. */
export function hostExecDoor(sockets: string): ExecHostParts["door"] {
  return async (onStream): Promise<ExecDoor> => {
    const name = `exec-${randomBytes(4).toString("hex")}.sock`;
    const server = createServer({ allowHalfOpen: true }, onStream);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      // Its folder is private; a sandbox can be another user than the server.
      server.listen({ path: join(sockets, name), writableAll: true }, resolve);
    });
    server.on("error", () => undefined);
    return {
      ask: (signal) => askForSupervisor(sockets, name, signal),
      async close() {
        server.close();
        await rm(join(sockets, name), { force: true });
      },
    };
  };
}
