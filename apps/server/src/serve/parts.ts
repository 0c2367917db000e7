import type { AgentRuntimeConfig, SandboxProvider } from "@hhopkins/agent-runtime";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
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
  switch (settings.persistence) {
    case "sqlite":
      return sqlitePersistence({ file: join(dataDir, "agent-runtime.db"), ...profiles });
    case "memory":
      return memoryPersistence(profiles);
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
