import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A node as the front sees it. */
interface Target {
  readonly port: number;
  healthy: boolean;
  readonly open: Set<Socket>;
}

const LOOK_MS = 200;
const HEALTH_MS = 1_500;

/**
 * What stands before the servers of a real deployment: each new connection goes to any of those that answer, and those
 * to one that does not answer any more are cut, so that clients come back to another.
 */
export class Front implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;
  readonly #targets: readonly Target[];
  readonly #random: () => number;
  readonly #stop = new AbortController();
  readonly #clients = new Set<Socket>();

  private constructor(server: Server, targets: readonly Target[], random: () => number) {
    this.#server = server;
    this.#targets = targets;
    this.#random = random;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (client: Socket) => this.#pass(client));
    for (const target of targets) void this.#watch(target);
  }

  static async open(ports: readonly number[], random: () => number): Promise<Front> {
    const server = createServer({ noDelay: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const targets = ports.map((port) => ({ port, healthy: false, open: new Set<Socket>() }));
    return new Front(server, targets, random);
  }

  #pass(client: Socket): void {
    this.#clients.add(client);
    client.once("close", () => this.#clients.delete(client));
    client.on("error", () => undefined);
    const healthy = this.#targets.filter((target) => target.healthy);
    const target = healthy[Math.floor(this.#random() * healthy.length)];
    if (target === undefined) return void client.destroy();
    const inside = connect({ port: target.port, host: "127.0.0.1", noDelay: true });
    target.open.add(inside);
    inside.on("error", () => undefined);
    inside.once("close", () => {
      target.open.delete(inside);
      client.destroy();
    });
    client.once("close", () => inside.destroy());
    client.pipe(inside).pipe(client);
  }

  async #watch(target: Target): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      target.healthy = await fetch(`http://127.0.0.1:${target.port}/health`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(HEALTH_MS)]),
      }).then(
        async (response) => {
          await response.text();
          return response.ok;
        },
        () => false,
      );
      if (!target.healthy) for (const socket of target.open) socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const client of this.#clients) client.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
