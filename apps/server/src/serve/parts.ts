import type { AgentRuntimeConfig, SandboxProvider } from "@hhopkins/agent-runtime";
import { natsBus } from "@hhopkins/agent-runtime/bus/nats";
import { redisBus } from "@hhopkins/agent-runtime/bus/redis";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { mysqlPersistence } from "@hhopkins/agent-runtime/persistence/mysql";
import { postgresPersistence } from "@hhopkins/agent-runtime/persistence/postgres";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { dockerSandbox } from "@hhopkins/agent-runtime/sandbox/docker";
import { localSandbox } from "@hhopkins/agent-runtime/sandbox/local";
import { modalSandbox } from "@hhopkins/agent-runtime/sandbox/modal";
import { unsafeProcessSandbox } from "@hhopkins/agent-runtime/sandbox/unsafe-process";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { join } from "node:path";
import type { Settings } from "../settings/settings.ts";

export function persistenceFor(settings: Settings, dataDir: string): NonNullable<AgentRuntimeConfig["persistence"]> {
  const profiles = settings.profiles === undefined ? {} : { profiles: settings.profiles };
  const { persistence } = settings;
  if (persistence === "sqlite") return sqlitePersistence({ file: join(dataDir, "agent-runtime.db"), ...profiles });
  if (persistence === "memory") return memoryPersistence(profiles);
  return persistence.startsWith("postgres:")
    ? postgresPersistence({ connectionString: persistence, ...profiles })
    : mysqlPersistence({ uri: persistence, ...profiles });
}

/** Over which servers that share the store wake each other. */
export function busFor({ bus: url }: Settings): Pick<AgentRuntimeConfig, "bus"> {
  if (url === undefined) return {};
  return { bus: /^rediss?:/.test(url) ? redisBus({ url }) : natsBus({ url }) };
}

/** What a person reads about where sessions are kept; no password. */
export function describePersistence(persistence: Settings["persistence"]): string {
  switch (persistence) {
    case "sqlite":
      return "";
    case "memory":
      return " (sessions in memory only)";
    default: {
      const { host, pathname, protocol } = new URL(persistence);
      return ` (sessions in ${protocol}//${host}${pathname})`;
    }
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

export function sandboxFor(settings: Settings, dataDir: string, environment: Environment): SandboxProvider {
  const limits = settings.sandboxLimits === undefined ? {} : { limits: settings.sandboxLimits };
  switch (settings.sandbox) {
    case "local":
      return localSandbox({ dataDir, ...limits });
    case "docker":
      return dockerSandbox({
        dataDir,
        ...limits,
        ...(settings.dockerImage === undefined ? {} : { image: settings.dockerImage }),
      });
    case "unsafe-process":
      return unsafeProcessSandbox({ dataDir });
    case "modal":
      return modalFrom(environment);
  }
}

function modalFrom(environment: Environment): SandboxProvider {
  const { MODAL_TOKEN_ID: tokenId = "", MODAL_TOKEN_SECRET: tokenSecret = "" } = environment;
  const { MODAL_APP_NAME: appName = "agent-runtime" } = environment;
  if (tokenId === "" || tokenSecret === "") {
    throw new RuntimeError(
      "invalid_configuration",
      "--sandbox modal needs MODAL_TOKEN_ID and MODAL_TOKEN_SECRET in the environment.",
    );
  }
  return modalSandbox({ tokenId, tokenSecret, appName });
}

/** What a person reads about the sandbox at the start. */
export function describeSandbox(sandbox: Settings["sandbox"]): string {
  switch (sandbox) {
    case "local":
      return "local (bubblewrap)";
    case "docker":
      return "docker";
    case "modal":
      return "modal";
    case "unsafe-process":
      return "unsafe-process: NO ISOLATION, agents can do whatever this user can";
  }
}
