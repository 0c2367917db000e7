import { z } from "zod";
import { boundSecrets } from "./bound-secrets.ts";
import { sandboxLimits } from "./sandbox-limits.ts";
import { warmPool } from "./warm-pool.ts";

const port = z.coerce.number("must be a number").int("must be a whole number").min(0).max(65_535);
const none = z.coerce.number("must be a number").int("must be a whole number").min(0);
const milliseconds = z.coerce.number("must be a number").int("must be a whole number").min(1);
const origins = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === "string" ? value.split(",") : value).map((origin) => origin.trim()))
  .pipe(z.array(z.string().refine(isOrigin, "must be origins such as https://app.example, or *")));

function isOrigin(text: string): boolean {
  return text === "*" || (URL.canParse(text) && new URL(text).origin === text);
}

const list = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === "string" ? value.split(",") : value).map((one) => one.trim()))
  .transform((values) => values.filter((one) => one !== ""));
const url = z.url({ protocol: /^https?$/, error: "must be a URL that begins with https:// or http://" });

interface Option {
  readonly flag: string;
  readonly description: string;
  readonly schema: z.ZodType;
}

/** Every option of the command, by its name in the configuration file. The environment variable follows from the flag. */
export const OPTIONS = {
  host: { flag: "--host <address>", description: "address to listen on (127.0.0.1)", schema: z.string().min(1) },
  port: { flag: "--port <number>", description: "port to listen on; 0 takes any free one (3001)", schema: port },
  dataDir: {
    flag: "--data-dir <dir>",
    description: "where everything is kept (.agent-runtime)",
    schema: z.string().min(1),
  },
  persistence: {
    flag: "--persistence <store>",
    description: "sqlite, memory, postgres://… or mysql://…; servers can share the last two (sqlite)",
    schema: z.string().min(1),
  },
  profiles: {
    flag: "--profiles <dir>",
    description: "folder of agent profiles, one folder each (none)",
    schema: z.string("must be a folder").min(1, "must be a folder"),
  },
  sandbox: {
    flag: "--sandbox <provider>",
    description: "local, docker, modal or unsafe-process (local)",
    schema: z.string().min(1),
  },
  dockerImage: {
    flag: "--docker-image <image>",
    description: "image of docker's sandboxes, with Node, Git and bash (node:24-bookworm)",
    schema: z.string().min(1),
  },
  model: {
    flag: "--model <model>",
    description: "real or scripted (real where its credential is set)",
    schema: z.enum(["real", "scripted"], "must be real or scripted"),
  },
  gateway: {
    flag: "--gateway <where>",
    description: "internal, or external: sandboxes reach the model through `agent-runtime gateway` (internal)",
    schema: z.enum(["internal", "external"], "must be internal or external"),
  },
  gatewayUrl: {
    flag: "--gateway-url <url>",
    description: "where sandboxes in a provider's cloud reach /gateway of this server (over their runner's stream)",
    schema: url,
  },
  allowedHosts: {
    flag: "--allowed-hosts <hosts>",
    description: "hosts that sandboxes may reach, with commas: example.com, *.example.com, 10.0.0.7:5432 (none)",
    schema: list,
  },
  boundSecrets: {
    flag: "--bound-secrets <hosts>",
    description:
      "hosts that secrets go to, as GITHUB=github.com,GITHUB=api.github.com; profiles made by REST need it (none)",
    schema: boundSecrets,
  },
  npmRegistry: { flag: "--npm-registry <url>", description: "where npm packages come from (npmjs.org)", schema: url },
  pipIndex: { flag: "--pip-index <url>", description: "where Python packages come from (pypi.org)", schema: url },
  registryHosts: {
    flag: "--registry-hosts <hosts>",
    description: "more hosts that the installation of packages may reach, with commas (none)",
    schema: list,
  },
  apiKey: {
    flag: "--api-key <key>",
    description: "key that requests carry (made at the first start)",
    schema: z.string().min(1),
  },
  idleTimeoutMs: {
    flag: "--idle-timeout-ms <ms>",
    description: "idle sessions are put away after (900000)",
    schema: milliseconds,
  },
  syncIntervalMs: {
    flag: "--sync-interval-ms <ms>",
    description: "changes are saved within (30000)",
    schema: milliseconds,
  },
  maxSandboxes: {
    flag: "--max-sandboxes <number>",
    description: "sandboxes at once (from the memory)",
    schema: milliseconds,
  },
  maxWaiting: {
    flag: "--max-waiting <number>",
    description: "sessions that may wait for a sandbox; beyond, messages are refused (1000)",
    schema: none,
  },
  leaseMs: {
    flag: "--lease-ms <ms>",
    description: "a server that shared its store and says nothing for so long is replaced (10000)",
    schema: milliseconds,
  },
  bus: {
    flag: "--bus <url>",
    description: "redis://… or nats://…, over which servers wake each other (the store, or polling)",
    schema: z.string().regex(/^(rediss?|nats|tls):\/\//, "must begin with redis://, rediss://, nats:// or tls://"),
  },
  warmPool: {
    flag: "--warm-pool <profiles>",
    description: "sandboxes kept ready for first messages, as default=2,other=1 (none)",
    schema: warmPool,
  },
  sandboxLimits: {
    flag: "--sandbox-limits <limits>",
    description: "of each sandbox, as memory=4GiB,cpus=2,processes=512,disk=10GiB (from the machine)",
    schema: sandboxLimits,
  },
  corsOrigin: {
    flag: "--cors-origin <origins>",
    description: "origins whose pages may call, with commas (none)",
    schema: origins,
  },
  logLevel: {
    flag: "--log-level <level>",
    description: "debug, info, warn, error or silent (info)",
    schema: z.enum(["debug", "info", "warn", "error", "silent"], "must be debug, info, warn, error or silent"),
  },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;
export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[];

/** `--data-dir <dir>` → `--data-dir`. */
export function flagOf(name: OptionName): string {
  return OPTIONS[name].flag.split(" ")[0] ?? name;
}

/** `--data-dir` → `AGENT_RUNTIME_DATA_DIR`. */
export function environmentNameOf(name: OptionName): string {
  return `AGENT_RUNTIME_${flagOf(name).slice(2).replaceAll("-", "_").toUpperCase()}`;
}
