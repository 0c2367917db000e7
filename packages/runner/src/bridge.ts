import { statSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Log } from "./log.ts";

export interface BridgeOptions {
  /** The gateway's unix socket; it may be away for a while. */
  readonly socket: string;
  readonly log: Log;
  /** Taken when it is free. */
  readonly port?: number;
  /** How long a connection is held while the gateway is away. */
  readonly holdMs?: number;
}

/** The harness's way to the model: TCP on loopback inside, the gateway's socket outside, bytes in between. */
export interface Bridge {
  /** What the harness uses as the model's base URL. */
  readonly url: string;
  /** Breaks connections to a gateway whose socket another one has taken: it may be stopped, and the harness asks again. */
  breakStale(): void;
  stop(): Promise<void>;
}

const PREFERRED_PORT = 3128;
const HOLD_MS = 10 * 60 * 1000;
/** What runs in the sandbox must not take the runner's file descriptors. */
const MAX_CONNECTIONS = 256;
const FIRST_DELAY_MS = 20;
const MAX_DELAY_MS = 1_000;

export async function startBridge(options: BridgeOptions): Promise<Bridge> {
  const open = new Set<Socket>();
  /** Which socket each connection goes to. */
  const joined = new Map<Socket, string>();
  // Without `noDelay` each small piece of a streamed answer waits some 40 ms for the acknowledgement of the one before.
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (inside) => {
    open.add(inside);
    inside.on("close", () => {
      open.delete(inside);
      joined.delete(inside);
    });
    inside.on("error", (error) => options.log("bridge: the harness's connection failed", error.message));
    holdUntilConnected(inside, options, (identity) => joined.set(inside, identity));
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on("error", (error) => options.log("bridge: cannot accept", error));
  const port = await listen(server, options.port ?? PREFERRED_PORT).catch(() => listen(server, 0));
  return {
    url: `http://127.0.0.1:${port}`,
    breakStale() {
      const now = identityOf(options.socket);
      for (const [inside, identity] of joined) {
        if (identity === now) continue;
        options.log("bridge: another gateway took over; a connection to the one before is broken");
        inside.destroy();
      }
    },
    async stop() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Of the socket that lies there: another listener's is another one. */
function identityOf(path: string): string {
  try {
    const { dev, ino, birthtimeNs } = statSync(path, { bigint: true });
    return `${dev}:${ino}:${birthtimeNs}`;
  } catch {
    return "";
  }
}

/** While the gateway is away (a server restarts), the harness sees a slow answer instead of a refused connection. */
function holdUntilConnected(inside: Socket, options: BridgeOptions, onJoined: (identity: string) => void): void {
  const until = performance.now() + (options.holdMs ?? HOLD_MS);
  let delay = FIRST_DELAY_MS;

  function dial(): void {
    if (inside.destroyed) return;
    // Before the dial: where it is replaced in between, a connection to the new one counts as one to the old.
    const identity = identityOf(options.socket);
    const outside = connect({ path: options.socket, allowHalfOpen: true });
    const failed = (error: Error) => {
      outside.destroy();
      if (performance.now() > until) {
        options.log("bridge: the gateway stayed away", error.message);
        inside.destroy();
        return;
      }
      setTimeout(dial, delay);
      delay = Math.min(delay * 2, MAX_DELAY_MS);
    };
    outside.once("error", failed);
    outside.once("connect", () => {
      outside.off("error", failed);
      outside.on("error", (error) => options.log("bridge: the gateway's connection failed", error.message));
      if (!inside.destroyed) onJoined(identity);
      join(inside, outside);
    });
  }

  dial();
}

/** Both ways, each at the pace of its reader; an end is passed on, a break breaks the other side. */
function join(a: Socket, b: Socket): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.pipe(to);
    from.on("close", () => {
      if (!from.readableEnded || !to.writableEnded) to.destroy();
    });
  }
  if (a.destroyed) b.destroy();
}
