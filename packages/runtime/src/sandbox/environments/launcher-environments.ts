import { realpathSync } from "node:fs";
import { basename } from "node:path";
import type { EnvironmentMounts } from "../environment-mounts.ts";
import type { Launcher } from "../host-launcher.ts";
import { hostProvider } from "../host-provider.ts";
import type { HostOptions } from "../host-provider.ts";
import { hostEnvironments } from "./host-environments.ts";

/** Environments that are made, and used, by the programs of this host. */
export function launcherEnvironments(launcher: Launcher, options: HostOptions): EnvironmentMounts {
  const { name } = launcher;
  const identity = async (): Promise<readonly string[]> => [process.arch, process.versions.modules, systemPython()];
  return hostEnvironments(
    {
      name,
      identity,
      installers: (dataDir, environments) => hostProvider(launcher, { ...options, dataDir }, environments),
    },
    options,
  );
}

/** Its name has its version, as in `python3.11`. */
function systemPython(): string {
  try {
    return basename(realpathSync("/usr/bin/python3"));
  } catch {
    return "";
  }
}
