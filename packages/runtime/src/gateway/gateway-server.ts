import { encodeLine, RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listenOn, type ChannelListener } from "../sandbox/host-sockets.ts";
import { gatewayNote, readFrames, ToGateway, type FromGateway } from "./control.ts";
import { credentialsFromEnvironment } from "./credentials.ts";
import { createGateway } from "./gateway.ts";
import type { Credentials, GatewayIdentity } from "./port.ts";

export interface GatewayServerOptions {
  /** The data directory of the servers that use it. */
  readonly dataDir: string;
  /** Default: from the environment. */
  readonly credentials?: Credentials;
  readonly log?: { debug(detail: object, message: string): void };
  /** How often to look whether a sandbox's sockets are still there, in ms (5 s). */
  readonly sweepMs?: number;
}

/** A gateway that serves on while servers come and go. */
export interface GatewayServer {
  /** Where servers reach it. */
  readonly socket: string;
  close(): Promise<void>;
}

interface Served {
  readonly identity: GatewayIdentity;
  readonly listener: Promise<ChannelListener>;
}

/**
 * The model gateway as a process of its own. Servers tell it which sandboxes to serve, as often as they like; it serves one
 * until the folder of its sockets is gone, whatever becomes of the server. It knows nothing after a restart: servers say it again.
 */
export async function serveGateway(options: GatewayServerOptions): Promise<GatewayServer> {
  const { dataDir, log } = options;
  const credentials = options.credentials ?? credentialsFromEnvironment(process.env);
  const served = new Map<string, Served>();
  const servers = new Set<Socket>();
  const tell = (to: Iterable<Socket>, frame: FromGateway): void => {
    for (const socket of to) socket.write(encodeLine(frame));
  };
  const onAuthFailure = (identity: GatewayIdentity, status: number): void =>
    tell(servers, { type: "auth-failure", identity, status });
  const gateway = createGateway({ credentials, onAuthFailure, ...(log === undefined ? {} : { log }) });

  async function serve({ folder, identity }: ToGateway): Promise<void> {
    const known = served.get(folder);
    // The same sandbox again, by a server that has started anew: its streams go on.
    if (known?.identity.token === identity.token) return void (await known.listener);
    const listener = listenOn(folder, "gateway", (stream) => gateway.handle(stream, identity));
    served.set(folder, { identity, listener });
    try {
      await listener;
    } catch (error) {
      served.delete(folder);
      throw error;
    }
    await close(known);
  }

  const control = createServer((socket) => {
    servers.add(socket);
    socket.once("close", () => servers.delete(socket));
    readFrames(socket, ToGateway, (frame) => {
      const { folder } = frame;
      serve(frame).then(
        () => tell([socket], { type: "serving", folder }),
        (error: unknown) =>
          tell([socket], { type: "failed", folder, message: error instanceof Error ? error.message : String(error) }),
      );
    });
  });
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-"));
  const socket = join(folder, "control.sock");
  const sweep = setInterval(() => {
    for (const [path, sandbox] of served) {
      if (existsSync(path)) continue;
      served.delete(path);
      void close(sandbox);
    }
  }, options.sweepMs ?? 5_000);
  sweep.unref();
  try {
    await listening(control, socket);
    await note(dataDir, socket);
  } catch (cause) {
    control.close();
    await rm(folder, { recursive: true, force: true });
    throw new RuntimeError("data_dir_unusable", `The gateway cannot be reached through ${dataDir}: ${String(cause)}`, {
      cause,
    });
  }
  return {
    socket,
    async close() {
      clearInterval(sweep);
      await rm(gatewayNote(dataDir), { force: true });
      for (const server of servers) server.destroy();
      control.close();
      await Promise.all([...served.values()].map(close));
      await gateway.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function close(sandbox: Served | undefined): Promise<void> {
  const listener = await sandbox?.listener.catch(() => undefined);
  await listener?.close();
}

function listening(control: ReturnType<typeof createServer>, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    control.once("error", reject);
    control.listen(socket, () => {
      control.off("error", reject);
      control.on("error", () => undefined);
      resolve();
    });
  });
}

/** In one step, so that nobody reads half of it. */
async function note(dataDir: string, socket: string): Promise<void> {
  const path = gatewayNote(dataDir);
  await writeFile(
    `${path}.new`,
    `${JSON.stringify({ pid: process.pid, startedAt: new Date().toISOString(), socket })}\n`,
    { mode: 0o600 },
  );
  await rename(`${path}.new`, path);
}
