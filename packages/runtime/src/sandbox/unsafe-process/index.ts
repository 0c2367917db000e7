import { launcherEnvironments } from "../environments/launcher-environments.ts";
import type { SandboxProvider } from "../port.ts";
import { hostProvider } from "../host-provider.ts";
import type { HostOptions } from "../host-provider.ts";
import { processLauncher } from "./launcher.ts";

/**
 * "Sandboxes" that are plain processes of this host, with the rights of the server's user and its network: an agent can
 * read and change whatever the server can. For development, by its name only; never a fallback of another provider.
 */
export function unsafeProcessSandbox(options: HostOptions): SandboxProvider {
  const launcher = processLauncher();
  return hostProvider(launcher, options, launcherEnvironments(launcher, options));
}
