import { once } from "node:events";
import { type Server, type Socket, createServer } from "node:net";
import { Status } from "nice-grpc";
import type { DoubleSandbox } from "./sandbox.ts";
import { refuse } from "./sdk.ts";

export interface TunnelData {
  readonly host: string;
  readonly port: number;
  readonly unencryptedHost: string;
  readonly unencryptedPort: number;
  readonly containerPort: number;
}

const tunnels = new WeakMap<DoubleSandbox, Promise<readonly TunnelData[]>>();

/** Ports of the sandbox, reached on this host's loopback. Unencrypted ones alone: the double has no certificate. */
export function tunnelsOf(sandbox: DoubleSandbox): Promise<readonly TunnelData[]> {
  const made = tunnels.get(sandbox) ?? openTunnels(sandbox);
  tunnels.set(sandbox, made);
  return made;
}

async function openTunnels(sandbox: DoubleSandbox): Promise<readonly TunnelData[]> {
  const ports = sandbox.plan.definition.openPorts?.ports ?? [];
  if (ports.some(({ unencrypted }) => unencrypted !== true)) {
    throw refuse(Status.UNIMPLEMENTED, "The double's tunnels are unencryptedPorts only");
  }
  return Promise.all(ports.map(({ port = 0 }) => openTunnel(sandbox, port)));
}

async function openTunnel(sandbox: DoubleSandbox, containerPort: number): Promise<TunnelData> {
  const server: Server = createServer((socket) => {
    carry(sandbox, containerPort, socket).catch(() => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  void sandbox.ended.then(() => server.close());
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { host: "127.0.0.1", port, unencryptedHost: "127.0.0.1", unencryptedPort: port, containerPort };
}

async function carry(sandbox: DoubleSandbox, port: number, socket: Socket): Promise<void> {
  const closed = new AbortController();
  socket.on("error", () => undefined).once("close", () => closed.abort());
  const far = await sandbox.box().connect(port);
  const inwards = async (): Promise<void> => {
    for await (const bytes of socket) await far.write(bytes as Buffer);
    far.closeStdin();
  };
  const outwards = async (): Promise<void> => {
    for await (const bytes of far.stdout.read(0, closed.signal)) if (!socket.write(bytes)) await once(socket, "drain");
    socket.end();
  };
  await Promise.all([inwards().catch(() => far.kill()), outwards()]);
}
