import { AgentProfile, fromZodError, RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import { CONFIG_FILE, readConfigFile } from "./config-file.ts";
import { environmentNameOf, flagOf, OPTION_NAMES, OPTIONS, type OptionName } from "./options.ts";

export type DatabaseUrl = `${"postgres" | "mysql"}:${string}`;

type Value<N extends OptionName> = z.output<(typeof OPTIONS)[N]["schema"]>;

/** What the command was told, checked; absent where nobody said anything and the runtime has a default of its own. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly persistence: "sqlite" | "memory" | DatabaseUrl;
  readonly sandbox: "local" | "docker" | "modal" | "unsafe-process";
  readonly dockerImage?: string;
  readonly logLevel: Value<"logLevel">;
  readonly corsOrigins: readonly string[];
  readonly model?: Value<"model">;
  readonly gateway?: Value<"gateway">;
  readonly gatewayUrl?: string;
  readonly allowedHosts?: readonly string[];
  /** By the name of a secret. */
  readonly boundSecrets?: Value<"boundSecrets">;
  readonly npmRegistry?: string;
  readonly pipIndex?: string;
  readonly registryHosts?: readonly string[];
  readonly apiKey?: string;
  readonly idleTimeoutMs?: number;
  readonly syncIntervalMs?: number;
  readonly maxSandboxes?: number;
  readonly maxWaiting?: number;
  readonly leaseMs?: number;
  readonly bus?: string;
  /** By the id of a profile. */
  readonly warmPool?: Value<"warmPool">;
  readonly sandboxLimits?: Value<"sandboxLimits">;
  readonly profiles?: readonly AgentProfile[];
  readonly profilesFolder?: string;
}

type Values = { -readonly [N in OptionName]?: Value<N> };

export interface SettingsSources {
  /** Values of flags, by option name. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder in which the configuration file is looked for. */
  readonly folder: string;
}

/** Flag before environment before file before default. Throws `invalid_configuration` that names the place. */
export async function resolveSettings({ flags, environment, folder }: SettingsSources): Promise<Settings> {
  const file = await readConfigFile(folder);
  const values: Values = {};
  for (const name of OPTION_NAMES) {
    const sources: [string, unknown][] = [
      [flagOf(name), flags[name]],
      [environmentNameOf(name), environment[environmentNameOf(name)]],
      [`${CONFIG_FILE}: ${name}`, isList(file, name) ? undefined : file[name]],
    ];
    const given = sources.find(([, value]) => value !== undefined);
    if (given !== undefined) Object.assign(values, { [name]: checked(name, given) });
  }
  const { corsOrigin, persistence, sandbox, profiles: profilesFolder, ...rest } = values;
  return {
    host: "127.0.0.1",
    port: 3001,
    dataDir: ".agent-runtime",
    logLevel: "info",
    ...rest,
    persistence: persistenceOf(persistence ?? "sqlite"),
    sandbox: sandboxOf(sandbox ?? "local"),
    corsOrigins: corsOrigin ?? [],
    ...(profilesFolder === undefined ? {} : { profilesFolder }),
    ...(isList(file, "profiles") ? { profiles: profilesOf(file["profiles"]) } : {}),
  };
}

/** In the file, `profiles` is a folder or the profiles themselves. */
function isList(file: Readonly<Record<string, unknown>>, name: OptionName): boolean {
  return name === "profiles" && Array.isArray(file[name]);
}

function checked(name: OptionName, [source, value]: [string, unknown]): unknown {
  const parsed = OPTIONS[name].schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw wrong(`${source} ${parsed.error.issues[0]?.message ?? "is not valid"}.`, name);
}

function persistenceOf(text: string): Settings["persistence"] {
  if (text === "sqlite" || text === "memory") return text;
  // Never the text itself in a message: there is a password in it.
  const [, kind] = /^(postgres|mysql)(?:ql)?:\/\//.exec(text) ?? [];
  if (kind === "postgres" || kind === "mysql") return `${kind}:${text.slice(text.indexOf(":") + 1)}`;
  throw wrong("--persistence can be sqlite, memory, postgres://… or mysql://….", "persistence");
}

function sandboxOf(text: string): Settings["sandbox"] {
  if (text === "local" || text === "docker" || text === "modal" || text === "unsafe-process") return text;
  throw wrong("--sandbox can be local, docker, modal or unsafe-process.", "sandbox");
}

function profilesOf(value: unknown): AgentProfile[] {
  const parsed = z.array(AgentProfile).min(1).safeParse(value);
  if (parsed.success) return parsed.data;
  throw fromZodError(parsed.error, `${CONFIG_FILE}: profiles`, "invalid_configuration");
}

function wrong(message: string, field: string): RuntimeError {
  return new RuntimeError("invalid_configuration", message, { field });
}
