import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { listenOn, type ChannelListener } from "../sandbox/host-sockets.ts";
import { GatewayNote, gatewayNote, readFrames, ToGateway } from "./control.ts";
import { credentialsFromEnvironment, secretsFromEnvironment } from "./credentials.ts";
import { createGateway, type GatewayGuest } from "./gateway.ts";
import { createGatewayClients, tell } from "./gateway-clients.ts";
import type { Credentials, Secrets } from "./port.ts";
import { takeRelayed } from "./stream-relay.ts";
import { listenForSandboxes, type PublicServer } from "./public-server.ts";

export interface GatewayServerOptions {
  /** The data directory of the servers that use it. */
  readonly dataDir: string;
  /** Default: from the environment. */
  readonly credentials?: Credentials;
  /** Values of secrets that profiles name. Default: from the environment. */
  readonly secrets?: Secrets;
  /** Where to listen for sandboxes that come by HTTP, at the path `/gateway`. Default: nowhere. */
  readonly listen?: { readonly host: string; readonly port: number };
  readonly log?: { debug(detail: object, message: string): void };
  /** How often to look whether a sandbox's sockets are still there, in ms (5 s). */
  readonly sweepMs?: number;
}

/** A gateway that serves on while servers come and go. */
export interface GatewayServer {
  /** Where servers reach it. */
  readonly socket: string;
  /** Where sandboxes that come by HTTP do, from this host. */
  readonly url?: string;
  close(): Promise<void>;
}

/** What folders of our sockets begin with. */
const FOLDER = "agent-gateway-";

/** A sandbox as its server has described it. */
interface Served {
  readonly guest: GatewayGuest;
  readonly folder?: string;
  readonly listener?: Promise<ChannelListener>;
}

/**
 * The model gateway as a process of its own. Servers tell it which sandboxes to serve, as often as they like; it serves one
 * until it is told that it has ended, or the folder of its sockets is gone, whatever becomes of the server. It knows nothing
 * after a restart: servers say it again.
 */
export async function serveGateway(options: GatewayServerOptions): Promise<GatewayServer> {
  const { dataDir, log } = options;
  const served = new Map<string, Served>();
  const servers = createGatewayClients();
  const gateway = createGateway({
    credentials: options.credentials ?? credentialsFromEnvironment(process.env),
    secrets: options.secrets ?? secretsFromEnvironment(process.env),
    onAuthFailure: servers.authFailed,
    onUse: servers.used,
    onEgress: (identity, record) => {
      log?.debug({ ...identity.session, ...record }, "egress");
      servers.reached(identity, record);
    },
    ...(log === undefined ? {} : { log }),
  });

  async function serve(frame: Extract<ToGateway, { type: "serve" }>): Promise<void> {
    const { folder, identity, rules } = frame;
    // The same sandbox again, by a server that has started anew: its streams go on.
    const guest = gateway.register(identity, rules);
    const known = served.get(identity.token);
    if (known !== undefined) return void (await known.listener);
    const listener = folder === undefined ? undefined : listenOn({ folder, channel: "gateway" }, guest.handle);
    const place = folder === undefined || listener === undefined ? {} : { folder, listener };
    served.set(identity.token, { guest, ...place });
    try {
      await listener;
    } catch (error) {
      served.delete(identity.token);
      guest.revoke();
      throw error;
    }
  }

  async function revoke(token: string): Promise<void> {
    const sandbox = served.get(token);
    served.delete(token);
    servers.forget(token);
    sandbox?.guest.revoke();
    await (await sandbox?.listener?.catch(() => undefined))?.close();
  }

  const control = createServer((socket) => {
    servers.add(socket);
    readFrames(socket, ToGateway, (frame) => {
      if (frame.type === "revoke") return void revoke(frame.token);
      const { token } = frame.identity;
      servers.owns(socket, token);
      serve(frame).then(
        () => tell(socket, { type: "serving", token }),
        (error: unknown) =>
          tell(socket, { type: "failed", token, message: error instanceof Error ? error.message : String(error) }),
      );
    });
  });
  await removeLeftFolder(dataDir);
  const folder = await mkdtemp(join(tmpdir(), FOLDER));
  const socket = join(folder, "control.sock");
  const sweep = setInterval(() => {
    for (const [token, { folder }] of served) if (folder !== undefined && !existsSync(folder)) void revoke(token);
  }, options.sweepMs ?? 5_000);
  sweep.unref();
  const streams = join(folder, "streams.sock");
  let relayed: { close(): Promise<void> } | undefined;
  let publicServer: PublicServer | undefined;
  try {
    await listening(control, socket);
    relayed = await takeRelayed(streams, gateway);
    await note(dataDir, { socket, streams });
    publicServer = options.listen === undefined ? undefined : await listenForSandboxes(gateway, options.listen);
  } catch (cause) {
    await Promise.all([publicServer?.close(), relayed?.close()]);
    await rm(gatewayNote(dataDir), { force: true });
    control.close();
    await rm(folder, { recursive: true, force: true });
    if (cause instanceof RuntimeError) throw cause;
    throw new RuntimeError("data_dir_unusable", `The gateway cannot be reached through ${dataDir}: ${String(cause)}`, {
      cause,
    });
  }
  return {
    socket,
    ...(publicServer === undefined ? {} : { url: publicServer.url }),
    async close() {
      await Promise.all([publicServer?.close(), relayed?.close()]);
      clearInterval(sweep);
      await rm(gatewayNote(dataDir), { force: true });
      servers.close();
      control.close();
      await Promise.all([...served.keys()].map(revoke));
      await gateway.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
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

/** A gateway that was killed has left the folder of its sockets, which its note names; a data directory has one gateway. */
async function removeLeftFolder(dataDir: string): Promise<void> {
  try {
    const { socket } = GatewayNote.parse(JSON.parse(await readFile(gatewayNote(dataDir), "utf8")));
    const folder = dirname(socket);
    if (basename(folder).startsWith(FOLDER)) await rm(folder, { recursive: true, force: true });
  } catch {
    // There was none, or nobody knows what it says.
  }
}

/** In one step, so that nobody reads half of it. */
async function note(dataDir: string, places: { socket: string; streams: string }): Promise<void> {
  const path = gatewayNote(dataDir);
  await writeFile(
    `${path}.new`,
    `${JSON.stringify({ pid: process.pid, startedAt: new Date().toISOString(), ...places })}\n`,
    { mode: 0o600 },
  );
  await rename(`${path}.new`, path);
}
