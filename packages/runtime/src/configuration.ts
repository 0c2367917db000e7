import { RuntimeError, type NodeBus, type PersistenceAdapter } from "@hhopkins/agent-runtime-protocol";
import { totalmem } from "node:os";
import type { Authenticate } from "./auth/principal.ts";
import { checkBoundSecrets } from "./gateway/bound-secrets.ts";
import type { NetworkOption } from "./gateway/network.ts";
import type { BoundSecrets, Credentials, Secrets } from "./gateway/port.ts";
import { createHostToolbox, type HostTool } from "./host-tools/index.ts";
import type { Logger } from "./logger.ts";
import type { ProfileSource } from "./profiles/port.ts";
import type { Registries } from "./sandbox/environments/registries.ts";
import type { SandboxProvider } from "./sandbox/port.ts";
import type { AskHook } from "./session/ask-hook.ts";

/** How sandboxes reach the model. */
export interface GatewayConfig {
  /**
   * Through `agent-runtime gateway`, a process of its own with the same `dataDir` and its own credentials, which a restart
   * of this server does not touch.
   */
  readonly external?: boolean;
  /**
   * Where the path `/gateway` of this server, or of `agent-runtime gateway`, is reached from a provider's cloud, e.g.
   * `https://agents.example.com/gateway`. Without it sandboxes there reach the model over the stream of their runner.
   */
  readonly publicUrl?: string;
  /** Gives the model's real key to sandboxes in a provider's cloud, where the agent can read it. Warned about at each start. */
  readonly unsafeKeyInSandbox?: boolean;
}

/** How servers that share a store work together. Times are in milliseconds. */
export interface ClusterConfig {
  /** A server that has not said for so long that it lives is taken for gone, and others go on with its sessions. Default: 10 s. */
  readonly leaseMs?: number;
  /** How often the store is asked for what no bus tells. Default: 250 ms. */
  readonly pollMs?: number;
}

/** Configuration of `createAgentRuntime`. Times are in milliseconds. */
export interface AgentRuntimeConfig {
  /** Where sessions are kept. Default: a SQLite file under `dataDir`. */
  readonly persistence?: PersistenceAdapter;
  /** More profiles, before those of `persistence`: such as `profileFolder("profiles")`. */
  readonly profiles?: ProfileSource;
  /** Short for the Modal sandbox provider. */
  readonly modal?: { readonly tokenId: string; readonly tokenSecret: string; readonly appName: string };
  /** Where agents run. Default: Modal where `modal` is given, else the local provider (bubblewrap). */
  readonly sandbox?: SandboxProvider;
  /** Who asks. Default: who knows the `apiKey` of `createRestServer`. */
  readonly authenticate?: Authenticate;
  /** `"none"`: everybody who can reach the server may do everything. */
  readonly auth?: "none";
  /**
   * Signs the tokens of `POST /tokens`, at least 32 characters; another one ends them all. Default: made from the
   * `apiKey` of `createRestServer`; with neither, a random one in `dataDir`.
   */
  readonly tokenSecret?: string;
  /** Tools that agents call and that run in this process, by name, each made by `tool()`. Default: none. */
  readonly tools?: Readonly<Record<string, HostTool>>;
  /** Answers what agents ask before people do, or leaves it to them. Default: people answer. */
  readonly onAsk?: AskHook;
  /** Model credentials by session, fetched outside of any sandbox. Default: from the environment. */
  readonly credentials?: Credentials;
  /** Values of secrets that profiles name, by session. Default: secret `NAME` is the variable `AGENT_RUNTIME_SECRET_NAME`. */
  readonly secrets?: Secrets;
  /**
   * Hosts that secrets go to, and no others, by the secret's name: `{ GITHUB: ["api.github.com"] }`. Profiles that are made
   * by requests name these secrets only; the operator's own name others too. Default: none.
   */
  readonly boundSecrets?: BoundSecrets;
  /** Hosts that sandboxes may reach beside the model, through the gateway. Default: none. */
  readonly network?: NetworkOption;
  /** How sandboxes reach the model. Default: over the streams that they open to this process. */
  readonly gateway?: GatewayConfig;
  /** Sandboxes that may run at once; beyond, a first message waits as `pending`. Default: from the machine's memory. */
  readonly maxSandboxes?: number;
  /** Sessions that may wait for a sandbox here; beyond, messages that need one are refused with 503. Default: 1000. */
  readonly maxWaiting?: number;
  /** How servers that share the store work together; without effect where the store is one server's alone. */
  readonly cluster?: ClusterConfig;
  /** How servers that share the store wake each other: Redis or NATS. Default: the database, where it has a way; else they poll. */
  readonly bus?: NodeBus;
  /**
   * Sandboxes with a started harness that are kept ready for first messages: how many, by the id of a profile. They
   * count among `maxSandboxes`, and give way to sessions that wait. Default: none.
   */
  readonly warmPool?: Readonly<Record<string, number>>;
  /** A session with no activity for this long is saved, its sandbox ended, and it is unloaded. Default: 15 min. */
  readonly idleTimeoutMs?: number;
  /** The longest that changed state may stay unsaved. Default: 30 s. */
  readonly syncIntervalMs?: number;
  /** Folder for what the defaults keep. Default: `.agent-runtime` in the working directory. */
  readonly dataDir?: string;
  /** Name of this deployment: sandboxes of other deployments are not touched. Default: `default`. */
  readonly deployment?: string;
  /** Where packages come from that profiles want installed. Default: the public npm registry and Python index. */
  readonly registries?: Registries;
  /** To set up what a profile wants installed, and images, the first time. Default: 15 min. */
  readonly environmentTimeoutMs?: number;
  /** From the request of a sandbox to a harness that is ready. Default: 2 min. */
  readonly sandboxStartTimeoutMs?: number;
  /** For an agent's process to be ready, whenever it is started. Default: 1 min. */
  readonly harnessStartTimeoutMs?: number;
  /** A turn that is still running after this long ends as failed with `turn_timeout`. Default: no limit. */
  readonly turnTimeoutMs?: number;
  /** For a turn to end after an interrupt; then it is ended, and its sandbox where need be. Default: 10 s. */
  readonly interruptTimeoutMs?: number;
  /** For running turns to end by themselves at shutdown. Default: 10 s. */
  readonly shutdownGraceMs?: number;
  /** Names of files and folders of the workspace that are not tracked, at any depth. Default: `DEFAULT_IGNORE`. */
  readonly ignoreFiles?: readonly string[];
  /** Files above this many bytes are listed without their bytes. Default: 32 MiB. */
  readonly maxFileBytes?: number;
  /** Events at a log's end that are kept as they came; before them, deltas of complete blocks are dropped. Default: 1024. */
  readonly compactAfterEvents?: number;
  /** For each answer of the store; without one it counts as failed, and is tried again. Default: 15 s. */
  readonly persistenceTimeoutMs?: number;
  /** Bytes of one session in memory that are not saved; at the bound its runner waits and messages are refused. Default: 8 MiB. */
  readonly maxUnsavedBytesPerSession?: number;
  /** Of all sessions together. Default: 128 MiB. */
  readonly maxUnsavedBytes?: number;
  /** Default: warnings and errors on stderr. */
  readonly logger?: Logger;
}

const KEYS: Record<keyof AgentRuntimeConfig, "number" | "other"> = {
  persistence: "other",
  profiles: "other",
  modal: "other",
  sandbox: "other",
  authenticate: "other",
  auth: "other",
  tokenSecret: "other",
  tools: "other",
  onAsk: "other",
  credentials: "other",
  secrets: "other",
  boundSecrets: "other",
  network: "other",
  gateway: "other",
  maxSandboxes: "number",
  maxWaiting: "other",
  cluster: "other",
  bus: "other",
  warmPool: "other",
  idleTimeoutMs: "number",
  syncIntervalMs: "number",
  dataDir: "other",
  deployment: "other",
  registries: "other",
  environmentTimeoutMs: "number",
  sandboxStartTimeoutMs: "number",
  harnessStartTimeoutMs: "number",
  turnTimeoutMs: "number",
  interruptTimeoutMs: "number",
  shutdownGraceMs: "number",
  ignoreFiles: "other",
  maxFileBytes: "number",
  compactAfterEvents: "number",
  persistenceTimeoutMs: "number",
  maxUnsavedBytesPerSession: "number",
  maxUnsavedBytes: "number",
  logger: "other",
};

/** Version control, dependencies and caches: large, and made again by their tools. */
export const DEFAULT_IGNORE: readonly string[] = [
  ".git",
  "node_modules",
  ".venv",
  "__pycache__",
  ".cache",
  ".pytest_cache",
  ".mypy_cache",
  ".turbo",
  ".next",
];

const MIB = 1024 * 1024;
/** What a sandbox with a working harness takes, roughly: its private memory and its tools. */
const SANDBOX_BYTES = 512 * MIB;
const SERVER_BYTES = 1024 * MIB;

/** Memory that there is for this process and its sandboxes: a container may have less than its machine. */
function usableMemory(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/**
 * How many sandboxes the machine's memory carries, as they are as a rule; at least one. A sandbox may take more, up to its
 * limit, and providers that can bound all together leave the machine its share.
 */
export function defaultMaxSandboxes(memoryBytes = usableMemory()): number {
  return Math.max(1, Math.floor((memoryBytes - SERVER_BYTES) / SANDBOX_BYTES));
}

export const DEFAULTS = {
  idleTimeoutMs: 15 * 60_000,
  syncIntervalMs: 30_000,
  dataDir: ".agent-runtime",
  deployment: "default",
  environmentTimeoutMs: 15 * 60_000,
  sandboxStartTimeoutMs: 120_000,
  interruptTimeoutMs: 10_000,
  shutdownGraceMs: 10_000,
  leaseMs: 10_000,
  pollMs: 250,
  maxWaiting: 1000,
  maxFileBytes: 32 * MIB,
  persistenceTimeoutMs: 15_000,
  maxUnsavedBytesPerSession: 8 * MIB,
  maxUnsavedBytes: 128 * MIB,
} as const;

const LEAST_SECRET = 32;

/** Throws `invalid_configuration` that names the option. */
export function checkConfiguration(config: AgentRuntimeConfig): void {
  for (const [name, value] of Object.entries(config)) {
    if (!Object.hasOwn(KEYS, name)) throw invalid(name, `is not an option. Options: ${Object.keys(KEYS).join(", ")}`);
    const isNumber = KEYS[name as keyof AgentRuntimeConfig] === "number";
    if (isNumber && value !== undefined && !(Number.isFinite(value) && (value as number) > 0)) {
      throw invalid(name, "must be a positive number");
    }
  }
  if (config.auth !== undefined && config.auth !== "none") throw invalid("auth", 'can only be "none"');
  const { tokenSecret } = config;
  if (tokenSecret !== undefined && !(typeof tokenSecret === "string" && tokenSecret.length >= LEAST_SECRET))
    throw invalid("tokenSecret", `must be a text of at least ${LEAST_SECRET} characters`);
  if (config.modal !== undefined && config.sandbox !== undefined)
    throw invalid("modal", "and sandbox exclude each other");
  for (const [profile, size] of Object.entries(config.warmPool ?? {}))
    if (!Number.isInteger(size) || size < 0) throw invalid(`warmPool.${profile}`, "must be a whole number, 0 or more");
  const { profiles } = config;
  if (profiles !== undefined && !(isMethod(profiles.listAgentProfiles) && isMethod(profiles.loadAgentProfile)))
    throw invalid("profiles", 'must be a source of profiles, such as profileFolder("profiles")');
  if (config.onAsk !== undefined && !isMethod(config.onAsk)) throw invalid("onAsk", "must be a function");
  checkBoundSecrets(config.boundSecrets ?? {});
  createHostToolbox(config.tools);
  checkGateway(config.gateway ?? {});
  checkCluster(config);
}

function isMethod(value: unknown): boolean {
  return typeof value === "function";
}

const CLUSTER_KEYS = ["leaseMs", "pollMs"];
/** Below, a busy machine would seem gone again and again. */
const LEAST_LEASE_MS = 500;

function checkCluster({ cluster = {}, bus, maxWaiting }: AgentRuntimeConfig): void {
  for (const [name, value] of Object.entries(cluster)) {
    if (!CLUSTER_KEYS.includes(name))
      throw invalid(`cluster.${name}`, `is not an option. Options: ${CLUSTER_KEYS.join(", ")}`);
    if (value !== undefined && !(Number.isFinite(value) && value > 0))
      throw invalid(`cluster.${name}`, "must be a positive number");
  }
  if (cluster.leaseMs !== undefined && cluster.leaseMs < LEAST_LEASE_MS)
    throw invalid("cluster.leaseMs", `must be ${LEAST_LEASE_MS} or more`);
  if (bus !== undefined && (typeof bus.publish !== "function" || typeof bus.subscribe !== "function"))
    throw invalid("bus", "must be a NodeBus, such as redisBus({ url }) or natsBus({ servers })");
  if (maxWaiting !== undefined && !(Number.isInteger(maxWaiting) && maxWaiting >= 0))
    throw invalid("maxWaiting", "must be a whole number, 0 or more");
}

const GATEWAY_KEYS = ["external", "publicUrl", "unsafeKeyInSandbox"];

function checkGateway(gateway: GatewayConfig): void {
  for (const name of Object.keys(gateway))
    if (!GATEWAY_KEYS.includes(name))
      throw invalid(`gateway.${name}`, `is not an option. Options: ${GATEWAY_KEYS.join(", ")}`);
  const { external, publicUrl, unsafeKeyInSandbox } = gateway;
  if (publicUrl !== undefined && !(URL.canParse(publicUrl) && /^https?:/.test(publicUrl)))
    throw invalid("gateway.publicUrl", "must be a URL that begins with https:// or http://");
  if (unsafeKeyInSandbox === true && external === true)
    throw invalid("gateway.unsafeKeyInSandbox", "and gateway.external exclude each other: this server has no key then");
}

function invalid(name: string, problem: string): RuntimeError {
  return new RuntimeError("invalid_configuration", `createAgentRuntime: ${name} ${problem}.`, { field: name });
}
