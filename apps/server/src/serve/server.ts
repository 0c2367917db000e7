import {
  createAgentRuntime,
  createNodeHandler,
  profileFolder,
  type AgentRuntimeConfig,
  type NodeHandler,
} from "@hhopkins/agent-runtime";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import type { Settings } from "../settings/settings.ts";
import { apiKeyOf, type ApiKey } from "./api-key.ts";
import { createConsoleHandler } from "./console-handler.ts";
import { takeDataDir } from "./data-dir.ts";
import { MODEL_OF_THE_GATEWAY, openModel, type ServedModel } from "./model.ts";
import { busFor, persistenceFor, sandboxFor } from "./parts.ts";
import { signInLink } from "./sign-in-link.ts";

export interface RunningServer {
  readonly url: string;
  /** Signs a browser in that opens it. */
  readonly link: string;
  readonly dataDir: string;
  readonly apiKey: ApiKey;
  readonly model: ServedModel;
  /** Takes no new work, saves everything, frees what was taken. */
  close(): Promise<void>;
}

export interface ServerParts {
  readonly settings: Settings;
  readonly log: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Starts everything, or nothing: what was opened before a failure is closed again. */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const opened: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (let undo = opened.pop(); undo !== undefined; undo = opened.pop()) await undo();
  };
  try {
    return { ...(await openAll(parts, (undo) => opened.push(undo))), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openAll(
  { settings, log, environment }: ServerParts,
  onClose: (undo: () => Promise<void> | void) => void,
): Promise<Omit<RunningServer, "close">> {
  const dataDir = takeDataDir(settings.dataDir);
  onClose(() => dataDir.release());
  const apiKey = apiKeyOf(settings.apiKey, dataDir.path);
  const model = settings.gateway === "external" ? MODEL_OF_THE_GATEWAY : await openModel(settings.model, environment);
  onClose(() => model.close());
  // The port comes before the work: a server that cannot be reached must not take over sessions.
  const http = await listen(settings);
  onClose(() => http.close());
  const runtime = await createAgentRuntime(
    runtimeConfig({ settings, log, environment }, { dataDir: dataDir.path, model }),
  );
  onClose(() => runtime.shutdown());
  const webSockets = runtime.createWebSocketServer(http.server);
  onClose(() => webSockets.close());
  const restServer = runtime.createRestServer({
    apiKey: apiKey.key,
    ...(settings.corsOrigins.length === 0 ? {} : { corsOrigins: settings.corsOrigins }),
  });
  const rest = createNodeHandler(restServer);
  const consoleOf = createConsoleHandler({ model: model.kind });
  await runtime.start();
  http.serve((request, response) => {
    void consoleOf(request, response).then((isServed) => (isServed ? undefined : rest(request, response)));
  });
  const link = await signInLink(http.url, apiKey, restServer);
  return { url: http.url, link, dataDir: dataDir.path, apiKey, model };
}

/** What the runtime is told: everything that was said, and nothing where nobody said anything. */
export function runtimeConfig(
  { settings, log, environment }: ServerParts,
  { dataDir, model }: { dataDir: string; model: ServedModel },
): AgentRuntimeConfig {
  const { idleTimeoutMs, syncIntervalMs, maxSandboxes, maxWaiting, leaseMs } = settings;
  return {
    dataDir,
    persistence: persistenceFor(settings, dataDir),
    ...(settings.profilesFolder === undefined ? {} : { profiles: profileFolder(settings.profilesFolder) }),
    sandbox: sandboxFor(settings, dataDir, environment),
    logger: log,
    ...(model.credentials === undefined ? {} : { credentials: model.credentials }),
    ...gatewayOf(settings),
    ...(settings.allowedHosts === undefined ? {} : { network: { allowedHosts: settings.allowedHosts } }),
    ...(settings.boundSecrets === undefined ? {} : { boundSecrets: settings.boundSecrets }),
    ...registriesOf(settings),
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
    ...(syncIntervalMs === undefined ? {} : { syncIntervalMs }),
    ...(maxSandboxes === undefined ? {} : { maxSandboxes }),
    ...(maxWaiting === undefined ? {} : { maxWaiting }),
    ...(leaseMs === undefined ? {} : { cluster: { leaseMs } }),
    ...busFor(settings),
    ...(settings.warmPool === undefined ? {} : { warmPool: settings.warmPool }),
  };
}

function registriesOf(settings: Settings): Pick<AgentRuntimeConfig, "registries"> {
  const { npmRegistry, pipIndex, registryHosts } = settings;
  const said = {
    ...(npmRegistry === undefined ? {} : { npm: npmRegistry }),
    ...(pipIndex === undefined ? {} : { pip: pipIndex }),
    ...(registryHosts === undefined ? {} : { hosts: registryHosts }),
  };
  return Object.keys(said).length === 0 ? {} : { registries: said };
}

function gatewayOf({ gateway, gatewayUrl }: Settings): Pick<AgentRuntimeConfig, "gateway"> {
  const said = {
    ...(gateway === "external" ? { external: true } : {}),
    ...(gatewayUrl === undefined ? {} : { publicUrl: gatewayUrl }),
  };
  return Object.keys(said).length === 0 ? {} : { gateway: said };
}

interface Listening {
  readonly server: Server;
  readonly url: string;
  serve(handler: NodeHandler): void;
  close(): Promise<void>;
}

const STARTING: NodeHandler = (_request, response) => {
  response.writeHead(503, { "content-type": "application/problem+json", "retry-after": "1" });
  response.end(
    JSON.stringify({ type: "about:blank", title: "Starting", status: 503, error: "unavailable", detail: "Starting." }),
  );
};

async function listen({ host, port }: Settings): Promise<Listening> {
  let handler = STARTING;
  const server = createServer(
    // Clients that offer HTTP/2 by an upgrade are served as if they had not.
    { shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === "websocket" },
    (request, response) => handler(request, response),
  );
  // Clients that come back after a restart come all at once; the kernel has its own, lower bound where there is one.
  server.listen({ port, host, backlog: 4096 });
  try {
    await once(server, "listening");
  } catch (cause) {
    throw cannotListen(host, port, cause);
  }
  const { port: bound } = server.address() as AddressInfo;
  return {
    server,
    url: `http://${urlHost(host)}:${bound}`,
    serve: (next) => (handler = next),
    async close() {
      const closed = once(server, "close");
      server.close();
      // What still streams at the end of a graceful shutdown has no end of its own.
      server.closeAllConnections();
      await closed;
    },
  };
}

function urlHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}

function cannotListen(host: string, port: number, cause: unknown): RuntimeError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "EADDRINUSE") {
    return new RuntimeError(
      "port_in_use",
      `Port ${port} on ${host} is taken. Stop what listens there, or choose another with --port (0 takes any free one).`,
      { cause },
    );
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RuntimeError(
    "invalid_configuration",
    `Cannot listen on ${host} port ${port}: ${reason}. See --host and --port.`,
    { cause },
  );
}
