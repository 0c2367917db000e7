import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface CuttableProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that were made through it. */
  readonly connections: number;
  /** Ends every connection that is open, in the middle of whatever it carries. */
  cut(): void;
  /** Takes no connections until `resume`. */
  refuse(): void;
  resume(): void;
}

/** A TCP line to `port` of this machine that a test can cut. */
export async function cuttableProxy(port: number): Promise<CuttableProxy> {
  const open = new Set<Socket>();
  let isRefusing = false;
  let connections = 0;
  const server = createServer((near) => {
    near.on("error", () => {});
    if (isRefusing) {
      near.destroy();
      return;
    }
    connections += 1;
    const far = connect(port, "127.0.0.1");
    far.on("error", () => {});
    near.pipe(far).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on("close", () => {
        open.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    cut,
    refuse: () => (isRefusing = true),
    resume: () => (isRefusing = false),
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
