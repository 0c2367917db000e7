import {
  RuntimeError,
  type Architecture,
  type NodeBus,
  type PersistenceAdapter,
} from "@hhopkins/agent-runtime-protocol";
import { RUNNER_ARCHITECTURES, runnerBundlePath } from "@hhopkins/agent-runtime-runner/manifest";
import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import { join, resolve } from "node:path";
import { createSessionArchives, type SessionArchives } from "./archive/archives.ts";
import { createAccess } from "./auth/access.ts";
import { archivesByRights, profilesByRights, sessionsByRights } from "./rights/rights.ts";
import { betweenNodes, tellOfList, type BetweenNodes } from "./cluster/between-nodes.ts";
import { ClusterNode } from "./cluster/cluster-node.ts";
import { NodeNotes } from "./cluster/node-notes.ts";
import { SessionLeases } from "./cluster/session-leases.ts";
import {
  checkConfiguration,
  DEFAULT_IGNORE,
  defaultMaxSandboxes,
  DEFAULTS,
  type AgentRuntimeConfig,
} from "./configuration.ts";
import {
  createExternalGateway,
  createGateway,
  credentialsFromEnvironment,
  gatewayVariables,
  maskOf,
  networkOf,
  publicRoute,
  secretsFromEnvironment,
  type GatewayOptions,
} from "./gateway/index.ts";
import type { ModelGateway } from "./gateway/port.ts";
import { createHostToolbox } from "./host-tools/index.ts";
import { Committer } from "./log/committer.ts";
import { LogHub } from "./log/hub.ts";
import { Notices } from "./log/notices.ts";
import { StoreHealth } from "./log/store-health.ts";
import { consoleLogger, type Logger } from "./logger.ts";
import { checkedReads } from "./persistence/adapter-rows.ts";
import type { SessionStore } from "./persistence/session-store.ts";
import { storeForAdapter } from "./persistence/seed-store.ts";
import { timedStore } from "./persistence/timed-store.ts";
import { sqlitePersistence } from "./persistence/sqlite/index.ts";
import { allProfiles } from "./profiles/all-profiles.ts";
import type { ProfileService } from "./profiles/port.ts";
import { createProfileService } from "./profiles/profile-service.ts";
import { profileEnvironments, type ProfileEnvironments } from "./profile-environments.ts";
import { hostPlace } from "./sandbox/host-place.ts";
import { localSandbox } from "./sandbox/local/index.ts";
import { modalSandbox } from "./sandbox/modal/index.ts";
import type { RunnerFiles, SandboxProvider } from "./sandbox/port.ts";
import type { AskingApplication } from "./session/ask-hook.ts";
import { EgressBook } from "./session/egress-book.ts";
import { ListWatch } from "./log/list-watch.ts";
import { ModelUses } from "./session/model-use.ts";
import { SessionManager } from "./session/session-manager.ts";
import { versionOf } from "./session/profile-version.ts";
import type { SessionParts } from "./session/session-parts.ts";
import { localMethods } from "./session/local-methods.ts";
import { SessionRequests } from "./session/session-requests.ts";
import { createSessionService, listItem } from "./session/session-service.ts";
import { Slots } from "./session/slots.ts";
import { WarmPool } from "./session/warm-pool.ts";
import { UnsavedBytes } from "./session/unsaved-bytes.ts";
import { createRestApp, type RestAppOptions } from "./transport/rest/app.ts";
import {
  createWebSocketTransport,
  type AttachedWebSocketServer,
  type WebSocketTransportOptions,
} from "./transport/websocket/index.ts";
import type { SessionService } from "./session/service.ts";

export interface RestServerOptions extends Pick<RestAppOptions, "limits" | "corsOrigins" | "heartbeatMs" | "streamMs"> {
  /** The key that a request must carry, unless the runtime has its own `authenticate`. */
  readonly apiKey?: string;
}

export type WebSocketServerOptions = Pick<
  WebSocketTransportOptions,
  "limits" | "paths" | "allowedOrigins" | "heartbeatMs" | "bufferBytes" | "closeMs"
>;

/** A fleet of agents: sessions, their sandboxes, their logs, and the ways in. */
export interface AgentRuntime {
  /** Opens the store, goes on with sessions that earlier servers left, begins background work. */
  start(): Promise<void>;
  /** Takes no new work, gives running turns a grace period, saves everything, ends sandboxes or leaves them for the next start. */
  shutdown(): Promise<void>;
  /** The REST API as a Hono app: `.fetch(request)`. */
  createRestServer(options?: RestServerOptions): { fetch(request: Request): Response | Promise<Response> };
  /** Live events on the upgrades of an HTTP server. Uses the key given to `createRestServer`. */
  createWebSocketServer(server: Server, options?: WebSocketServerOptions): AttachedWebSocketServer;
  readonly sessionManager: SessionManager;
}

/**
 * Makes a runtime; `start()` starts it. Rejects with `invalid_configuration`, and with `missing_dependency` where an
 * optional package that the configuration needs is not installed.
 */
export async function createAgentRuntime(config: AgentRuntimeConfig = {}): Promise<AgentRuntime> {
  checkConfiguration(config);
  const log = config.logger ?? consoleLogger;
  const dataDir = resolve(config.dataDir ?? DEFAULTS.dataDir);
  const adapter = config.persistence ?? sqlitePersistence({ file: join(dataDir, "agent-runtime.db") });
  const provider = sandboxProvider(config, dataDir);
  const syncIntervalMs = config.syncIntervalMs ?? DEFAULTS.syncIntervalMs;
  const timeoutMs = config.persistenceTimeoutMs ?? DEFAULTS.persistenceTimeoutMs;
  const kept = storeForAdapter(adapter, { warn: (message) => log.warn({}, message), syncIntervalMs, timeoutMs });
  const store = timedStore(kept, { timeoutMs, onLate: (keys) => keys.forEach((key) => manager.recheck(key)) });
  const now = (): Date => new Date();
  const health = new StoreHealth({ now, random: Math.random });
  const watch = new ListWatch((tenant, change) => {
    if (notes !== undefined) tellOfList(notes, tenant, change);
  });
  const onAuthFailure: GatewayOptions["onAuthFailure"] = ({ session }, status) =>
    endTurnWithoutCredential(manager, session, status);
  const modelUses = new ModelUses();
  const egress = new EgressBook({ log, now });
  // Of a gateway that is a process of its own they are that one's to have.
  const credentials = config.credentials ?? credentialsFromEnvironment(isExternal(config) ? {} : process.env);
  const { gateway, publicGateway } = modelGateway(config, {
    dataDir,
    log,
    credentials,
    onAuthFailure,
    onUse: ({ session }, use) => modelUses.add(session, use),
    onEgress: ({ session }, record) => egress.add(session, record),
  });
  const environments = profileEnvironments(config.registries, { log, places: applicationPlaces() });
  const slots = new Slots(config.maxSandboxes ?? defaultMaxSandboxes(), config.maxWaiting ?? DEFAULTS.maxWaiting);
  const node = clusterNode(config, { store, provider, slots, dataDir, log });
  const notes = node === undefined ? undefined : nodeNotes(node, config.bus, log);
  const parts: SessionParts = {
    store,
    ...(node === undefined ? {} : { node }),
    ...(notes === undefined ? {} : { notes }),
    leases: new SessionLeases({ store, node, maxWaiting: slots.maxWaiting }),
    committer: new Committer(store, health, (tails) => notes?.committed(tails)),
    hub: new LogHub(),
    health,
    notices: new Notices(),
    unsaved: new UnsavedBytes({
      perSession: config.maxUnsavedBytesPerSession ?? DEFAULTS.maxUnsavedBytesPerSession,
      total: config.maxUnsavedBytes ?? DEFAULTS.maxUnsavedBytes,
    }),
    now,
    newId: randomUUID,
    profiles: allProfiles(checkedReads(adapter, timeoutMs), config.profiles),
    provider,
    slots,
    warm: new WarmPool(config.warmPool ?? {}),
    gateway,
    network: networkOf(config.network, log),
    boundSecrets: config.boundSecrets ?? {},
    modelUses,
    egress,
    gatewayVariables: gatewayVariables(config.gateway ?? {}, { provider, credentials }),
    masked: (text, values) => maskOf(values).text(text),
    deployment: config.deployment ?? DEFAULTS.deployment,
    runnerFiles,
    environmentOf: environments.of,
    hostTools: createHostToolbox(config.tools),
    onListed: (key, state) => watch.changed(key.tenant, { event: "sessions:updated", session: listItem(state) }),
    limits: {
      environmentMs: config.environmentTimeoutMs ?? DEFAULTS.environmentTimeoutMs,
      sandboxStartMs: config.sandboxStartTimeoutMs ?? DEFAULTS.sandboxStartTimeoutMs,
      syncMs: 60_000,
      interruptMs: config.interruptTimeoutMs ?? DEFAULTS.interruptTimeoutMs,
      ...(config.harnessStartTimeoutMs === undefined ? {} : { harnessStartMs: config.harnessStartTimeoutMs }),
      ...(config.turnTimeoutMs === undefined ? {} : { turnTimeoutMs: config.turnTimeoutMs }),
      syncIntervalMs,
      maxFileBytes: config.maxFileBytes ?? DEFAULTS.maxFileBytes,
      ignore: config.ignoreFiles ?? DEFAULT_IGNORE,
    },
    log,
    ...asking(config, (key, given) => requests.ask(key, "answer", given)),
    ...(config.compactAfterEvents === undefined ? {} : { compactAfter: config.compactAfterEvents }),
  };
  const manager = new SessionManager(parts, {
    idleTimeoutMs: config.idleTimeoutMs ?? DEFAULTS.idleTimeoutMs,
    shutdownGraceMs: config.shutdownGraceMs ?? DEFAULTS.shutdownGraceMs,
  });
  const here = localMethods(parts, manager);
  const between =
    node === undefined || notes === undefined
      ? undefined
      : betweenNodes({
          ...parts,
          node,
          notes,
          watch,
          run: here,
          listed: async (key) => listItem(await manager.state(key)),
          localTail: (key) => manager.localTail(key),
        });
  const requests = new SessionRequests({ ...parts, manager, here, remote: between?.commands });
  const service = createSessionService(parts, manager, { watch, requests });
  const archives = createSessionArchives({
    ...parts,
    onImported: (tenant, state) => watch.changed(tenant, { event: "sessions:updated", session: listItem(state) }),
  });
  const profiles = createProfileService({
    profiles: parts.profiles,
    source: config.profiles,
    store: adapter.profiles,
    boundSecrets: parts.boundSecrets,
    versionOf: (profile) => versionOf(profile).version,
  });
  const parted = { between, publicGateway, environments, profiles, dataDir };
  return composed({ config, adapter, store, provider, gateway, manager, service, archives, log, ...parted });
}

interface Composition {
  readonly config: AgentRuntimeConfig;
  readonly adapter: PersistenceAdapter;
  readonly store: SessionStore;
  readonly provider: SandboxProvider;
  readonly gateway: SessionParts["gateway"];
  readonly environments: ProfileEnvironments;
  readonly publicGateway: ((request: Request) => Promise<Response>) | undefined;
  readonly manager: SessionManager;
  /** Absent: no other server shares the store. */
  readonly between: BetweenNodes | undefined;
  readonly service: SessionService;
  readonly archives: SessionArchives;
  readonly profiles: ProfileService;
  readonly dataDir: string;
  readonly log: SessionParts["log"];
}

function composed(parts: Composition): AgentRuntime {
  const { config, adapter, store, provider, gateway, publicGateway, environments, between, manager, dataDir, log } =
    parts;
  const access = createAccess({
    authenticate: config.authenticate,
    auth: config.auth,
    tokenSecret: config.tokenSecret,
    dataDir,
    audience: config.deployment ?? DEFAULTS.deployment,
    now: () => new Date(),
    assertSession: (key) => manager.head(key),
    onUnprotected: (message) => log.error({}, message),
  });
  const { authenticate, tokens } = access;
  // The one place where rights count: everything that is asked from outside goes through here.
  const service = sessionsByRights(parts.service);
  const archives = archivesByRights(parts.archives);
  const profiles = profilesByRights(parts.profiles);
  // Without keys every page that the user visits could connect; its origin is what tells it apart.
  let allowedOrigins: readonly string[] | undefined = config.auth === "none" ? [] : undefined;
  return {
    sessionManager: manager,
    async start() {
      if (config.gateway?.unsafeKeyInSandbox === true) log.warn({}, KEY_INSIDE);
      await config.profiles?.open?.(log);
      await adapter.open?.();
      await provider.probe?.();
      await gateway.open?.();
      await between?.start();
      await manager.start();
    },
    async shutdown() {
      await between?.stop();
      await manager.stop();
      await between?.close();
      await gateway.close();
      await provider.close?.();
      await environments.close();
      await store
        .flush?.()
        .catch((error: unknown) => log.error({ err: error }, "not everything could be saved at the end"));
      await adapter.close?.();
    },
    createRestServer(options = {}) {
      const { apiKey, ...rest } = options;
      if (apiKey !== undefined && apiKey !== "") access.useKey(apiKey);
      if (config.auth === "none") allowedOrigins = options.corsOrigins ?? [];
      const gatewayRoute = publicGateway === undefined ? {} : { gateway: publicGateway };
      return createRestApp({ service, archives, profiles, tokens, authenticate, log, ...gatewayRoute, ...rest });
    },
    createWebSocketServer(server, options = {}) {
      const origins = allowedOrigins === undefined ? {} : { allowedOrigins };
      return createWebSocketTransport({ service, authenticate, log, ...origins, ...options }).attach(server);
    },
  };
}

/** Answers of the application itself go the way of all others: the session may be asleep by then, or elsewhere. */
function asking({ onAsk }: AgentRuntimeConfig, answer: AskingApplication["answer"]): Pick<SessionParts, "asking"> {
  return onAsk === undefined ? {} : { asking: { onAsk, answer } };
}

const KEY_INSIDE =
  "gateway.unsafeKeyInSandbox: agents in a provider's cloud are given the model's real key, and can read it and pass it on";

function isExternal({ gateway }: AgentRuntimeConfig): boolean {
  return gateway?.external === true;
}

/** The gateway in this process or in one of its own, and its way in by HTTP. */
function modelGateway(
  config: AgentRuntimeConfig,
  given: GatewayOptions & { dataDir: string; log: Logger },
): { gateway: ModelGateway; publicGateway: ((request: Request) => Promise<Response>) | undefined } {
  const publicUrl = config.gateway?.publicUrl;
  if (isExternal(config))
    return {
      gateway: createExternalGateway(given),
      publicGateway: undefined,
    };
  const gateway = createGateway({ ...given, secrets: config.secrets ?? secretsFromEnvironment(process.env) });
  return { gateway, publicGateway: publicUrl === undefined ? undefined : publicRoute(gateway) };
}

function sandboxProvider(config: AgentRuntimeConfig, dataDir: string): SandboxProvider {
  if (config.sandbox !== undefined) return config.sandbox;
  if (config.modal !== undefined) return modalSandbox(config.modal);
  return localSandbox({ dataDir });
}

/** What nodes tell each other, over the bus that was given or the database's own. */
function nodeNotes(node: ClusterNode, bus: NodeBus | undefined, log: Logger): NodeNotes {
  const { nodeId, cluster } = node;
  return new NodeNotes({ nodeId, bus: bus ?? cluster.bus, hasOthers: () => node.others().length > 0, log });
}

/** This process as one of several servers; undefined: the store is its alone. */
function clusterNode(
  { cluster = {} }: AgentRuntimeConfig,
  {
    store,
    provider,
    slots,
    dataDir,
    log,
  }: Pick<SessionParts, "store" | "provider" | "slots" | "log"> & { dataDir: string },
): ClusterNode | undefined {
  if (store.cluster === undefined) return undefined;
  return new ClusterNode({
    nodeId: randomUUID(),
    place: provider.place ?? hostPlace({ processes: true }),
    dataDir,
    cluster: store.cluster,
    leaseMs: cluster.leaseMs ?? DEFAULTS.leaseMs,
    pollMs: cluster.pollMs ?? DEFAULTS.pollMs,
    load: () => ({ sandboxes: slots.taken, waiting: slots.waiting, maxSandboxes: slots.limit }),
    log,
  });
}

/** Looks the harness's packages up where the application lies, and where this package does. */
function runnerFiles(architecture: Architecture): RunnerFiles {
  const manifest = RUNNER_ARCHITECTURES[architecture];
  if (manifest === undefined)
    throw new RuntimeError("unknown_architecture", `No runner knows the architecture ${architecture}.`);
  return { bundle: runnerBundlePath(), packages: manifest.resolvePackages(applicationPlaces()) };
}

function applicationPlaces(): readonly string[] {
  return [process.cwd(), ...(process.argv[1] === undefined ? [] : [process.argv[1]]), import.meta.url];
}

/** A wrong credential does not get better by trying again, which is what a harness would do for minutes. */
function endTurnWithoutCredential(manager: SessionManager, session: { sessionId: string }, status: number): void {
  const loaded = manager.loaded().find(({ sessionId }) => sessionId === session.sessionId);
  loaded
    ?.interrupt({
      code: "model_auth_failed",
      message: `The model refused the credential (HTTP ${status}). Check ANTHROPIC_API_KEY (or ANTHROPIC_AUTH_TOKEN) of the server, and start it again.`,
    })
    // The harness ends the turn by itself then, if later.
    .catch(() => undefined);
}
