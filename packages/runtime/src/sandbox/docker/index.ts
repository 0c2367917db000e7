import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { SandboxLimits, SandboxProvider } from "../port.ts";
import { hostEnvironments } from "../environments/host-environments.ts";
import { dockerEngine } from "./engine.ts";
import type { EngineOptions } from "./engine.ts";
import { ensureImage } from "./image.ts";
import type { PullPolicy } from "./image.ts";
import { probeDocker } from "./probe.ts";
import { dockerProvider } from "./provider.ts";
import { seccompProfile } from "./seccomp-profile.ts";

export interface DockerSandboxOptions extends EngineOptions {
  /** The server's data directory; folders of sandboxes live in `sandboxes/` in it. The engine must see it: same host. */
  readonly dataDir: string;
  /** Image with Node 22.18 or newer, Git and bash (`node:24-bookworm`). */
  readonly image?: string;
  /** Whether an image that the engine has not is fetched: `missing`, the default, or `never`. */
  readonly pull?: PullPolicy;
  /** What each sandbox may use at most, where `create` is not told otherwise. */
  readonly limits?: SandboxLimits;
  /** Size of a sandbox's `/tmp`, in memory, in bytes (512 MiB). */
  readonly tmpBytes?: number;
  /** One of the engine's networks, by name, whose rules are yours; without it a sandbox has no network but the gateway. */
  readonly network?: string;
  /** File with a seccomp profile of your own, or `engine` for the engine's. */
  readonly seccomp?: string;
  /** Folder in which the folders of the sockets are made; the system's temporary folder by default. */
  readonly socketBase?: string;
  /** Installed environments that are kept (20); one that a sandbox has is kept beyond it. */
  readonly keepEnvironments?: number;
  /** Bytes that one environment may have, and all that are kept together (10 GiB). */
  readonly environmentBytes?: number;
  /** How long what a sandbox that died unseen has left on the disk is kept, in ms (24 h). */
  readonly keepDeadMs?: number;
  readonly now?: () => number;
}

const MIB = 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Sandboxes that are containers of a Docker engine on this host: no network, no capabilities, a read-only root, an
 * ordinary user, limits; workspace, home and state are folders of this host that go with the container. They outlive
 * the server. `probe` and `create` throw `isolation_unavailable`, `sandbox_unavailable` or `missing_dependency` with the
 * remedy.
 */
export function dockerSandbox(options: DockerSandboxOptions): SandboxProvider {
  const engine = dockerEngine(options);
  const settings = {
    dataDir: resolve(options.dataDir),
    socketBase: options.socketBase,
    image: options.image ?? "node:24-bookworm",
    pull: options.pull ?? "missing",
    limits: options.limits,
    tmpBytes: options.tmpBytes ?? 512 * MIB,
    network: options.network ?? "none",
    seccomp: seccompOf(options.seccomp),
    keepDeadMs: options.keepDeadMs ?? DAY_MS,
    now: options.now ?? Date.now,
  };
  const environments = hostEnvironments(
    {
      name: "docker",
      identity: async (how) => [await ensureImage(engine, settings, how)],
      installers: (dataDir, own) => dockerProvider(engine, { ...settings, dataDir, network: "none" }, own),
    },
    options,
  );
  return { ...dockerProvider(engine, settings, environments), probe: () => probeDocker(engine, settings) };
}

function seccompOf(given: string | undefined): string | null {
  if (given === undefined) return seccompProfile();
  if (given === "engine") return null;
  try {
    return JSON.stringify(JSON.parse(readFileSync(given, "utf8")));
  } catch (error) {
    throw new RuntimeError("invalid_configuration", `Not a seccomp profile: ${given} (${String(error)}).`, {
      field: "seccomp",
      cause: error,
    });
  }
}
