import { accessSync, constants, realpathSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import { randomUUID } from "node:crypto";
import { launcherEnvironments } from "../environments/launcher-environments.ts";
import type { SandboxLimits, SandboxProvider } from "../port.ts";
import { hostProvider } from "../host-provider.ts";
import type { HostOptions } from "../host-provider.ts";
import { bubblewrapLauncher } from "./launcher.ts";
import { Limiter } from "./limits/limiter.ts";
import { bubblewrapMissing } from "./remedy.ts";

export interface LocalSandboxOptions extends HostOptions {
  /** Folders in which bubblewrap is looked for, as in `PATH`, which is the default. */
  readonly path?: string;
  /** Size of a sandbox's `/tmp`, in memory, in bytes (512 MiB); at most a quarter of its memory. */
  readonly tmpBytes?: number;
  /** What each sandbox may use at most, where `create` is not told otherwise. */
  readonly limits?: SandboxLimits;
  /** Longest time until a sandbox's program runs, in ms (20 s). */
  readonly startTimeoutMs?: number;
}

const MIB = 1024 * 1024;

/**
 * Sandboxes on this host, isolated by bubblewrap: own namespaces without a network, no capabilities, a private
 * workspace, home and /tmp; of the host only its programs, read-only. They outlive the server. Linux only. Without
 * bubblewrap, or where it is refused, `probe` and `create` throw `isolation_unavailable` with the remedy: there is
 * never less isolation than asked for.
 */
export function localSandbox(options: LocalSandboxOptions): SandboxProvider {
  const program = () => findBubblewrap(options.path ?? process.env["PATH"] ?? "");
  const startTimeoutMs = options.startTimeoutMs ?? 20_000;
  const sizes = { tmp: options.tmpBytes ?? 512 * MIB, shm: 64 * MIB };
  const limiter = new Limiter(options.limits);
  const node = realpathSync(process.execPath);
  const launcher = bubblewrapLauncher({ program, node, sizes, limiter, startTimeoutMs });
  return {
    ...hostProvider(launcher, options, launcherEnvironments(launcher, options)),
    describe: async () => limiter.describe(),
    async probe() {
      program();
      // A real sandbox, with a program of its own: what a sandbox needs is proved, not guessed from versions.
      const scratch = await mkdtemp(join(tmpdir(), "agent-probe-"));
      const trial = hostProvider(launcher, { dataDir: scratch, pollMs: 50 });
      try {
        const bundle = join(scratch, "probe.mjs");
        await writeFile(bundle, "setInterval(() => undefined, 1000);\n");
        const tags = { deployment: "probe", tenant: "probe", session: "probe", generation: "1" };
        const sandbox = await trial.create(
          { key: randomUUID(), tags, runner: { bundle, packages: {} }, environment: {} },
          { signal: AbortSignal.timeout(startTimeoutMs), onProgress: () => undefined },
        );
        await sandbox.terminate();
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    },
  };
}

/** bubblewrap's absolute path. The search path of the server is the operator's; relative parts of it are left out. */
function findBubblewrap(path: string): string {
  for (const folder of process.platform === "linux" ? path.split(delimiter) : []) {
    const file = join(folder, "bwrap");
    if (!isAbsolute(folder) || !isExecutable(file)) continue;
    return file;
  }
  throw bubblewrapMissing();
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
