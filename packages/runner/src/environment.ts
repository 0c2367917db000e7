import { fromZodError } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";

const path = z.string().startsWith("/", "must be an absolute path");
const whole = z.coerce.number().int().positive();

const Environment = z.object({
  AGENT_RUNTIME_WORKSPACE: path,
  AGENT_RUNTIME_HOME: path,
  AGENT_RUNTIME_STATE: path,
  AGENT_RUNTIME_SOCKETS: path,
  AGENT_RUNTIME_PACKAGES: path,
  AGENT_RUNTIME_ENVIRONMENT: path.optional(),
  AGENT_RUNTIME_GENERATION: whole,
  AGENT_RUNTIME_MODEL_TOKEN: z.string().min(1),
  AGENT_RUNTIME_GATEWAY_URL: z.url({ protocol: /^https?$/ }).optional(),
  AGENT_RUNTIME_NETWORK: z.enum(["gateway", "own"]).default("gateway"),
  AGENT_RUNTIME_ALONE_MS: whole.default(24 * 60 * 60 * 1000),
  AGENT_RUNTIME_START_DEADLINE_MS: whole.default(60_000),
  AGENT_RUNTIME_JOURNAL_BYTES: whole.default(64 * 1024 * 1024),
});

/** Absolute paths inside the sandbox. */
export interface RunnerPaths {
  readonly workspace: string;
  readonly home: string;
  /** The runner's own folder: journal, commands taken, log. */
  readonly state: string;
  /** Folder with the server's `runner.sock` and `gateway.sock`. */
  readonly sockets: string;
  /** Folder whose `node_modules` has the harness's packages. */
  readonly packages: string;
  /** What was installed for the profile. */
  readonly environment?: string;
}

export interface RunnerSettings {
  readonly paths: RunnerPaths;
  /** Number of this sandbox among those of its session. */
  readonly generation: number;
  /** What the harness shows the gateway instead of a key. */
  readonly modelToken: string;
  /** Where the gateway is reached without the bridge; absent: by the bridge. */
  readonly gatewayUrl?: string;
  /** `gateway`: there is no way to any host but through the gateway. `own`: the network is what the sandbox has. */
  readonly network: "gateway" | "own";
  /** Without a server and a turn for so long, the runner ends. */
  readonly aloneMs: number;
  /** A harness must be ready within so long. */
  readonly startDeadlineMs: number;
  /** Bytes that may wait for a server; beyond them the harness is paused. */
  readonly journalBytes: number;
}

/** The runner's settings from its environment. Throws `invalid_configuration` that names the first wrong variable. */
export function settingsFrom(environment: Readonly<Record<string, string | undefined>>): RunnerSettings {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success) throw fromZodError(parsed.error, "environment", "invalid_configuration");
  const of = parsed.data;
  return {
    paths: {
      workspace: of.AGENT_RUNTIME_WORKSPACE,
      home: of.AGENT_RUNTIME_HOME,
      state: of.AGENT_RUNTIME_STATE,
      sockets: of.AGENT_RUNTIME_SOCKETS,
      packages: of.AGENT_RUNTIME_PACKAGES,
      ...(of.AGENT_RUNTIME_ENVIRONMENT === undefined ? {} : { environment: of.AGENT_RUNTIME_ENVIRONMENT }),
    },
    generation: of.AGENT_RUNTIME_GENERATION,
    modelToken: of.AGENT_RUNTIME_MODEL_TOKEN,
    ...(of.AGENT_RUNTIME_GATEWAY_URL === undefined ? {} : { gatewayUrl: of.AGENT_RUNTIME_GATEWAY_URL }),
    network: of.AGENT_RUNTIME_NETWORK,
    aloneMs: of.AGENT_RUNTIME_ALONE_MS,
    startDeadlineMs: of.AGENT_RUNTIME_START_DEADLINE_MS,
    journalBytes: of.AGENT_RUNTIME_JOURNAL_BYTES,
  };
}
