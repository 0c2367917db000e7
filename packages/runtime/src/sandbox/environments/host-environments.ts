import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { NO_ENVIRONMENTS } from "../environment-mounts.ts";
import type { EnvironmentMounts, MountedEnvironment, MountOptions } from "../environment-mounts.ts";
import { removeTree } from "../host-folders.ts";
import { usedEnvironments } from "../host-record.ts";
import type { EnvironmentSpec, SandboxProvider, SandboxSpec } from "../port.ts";
import {
  environmentFolder,
  environmentsFolder,
  makeEnvironmentFolder,
  readEnvironment,
  sealEnvironment,
  sizeOf,
  touchEnvironment,
} from "./environment-folder.ts";
import type { EnvironmentFolder } from "./environment-folder.ts";
import { sweepEnvironments } from "./environment-sweep.ts";
import { installIn } from "./installation.ts";
import { copyProject } from "./project-files.ts";
import { SharedWork } from "./shared-work.ts";

const DEPLOYMENT = "environments";
const KEEP = 20;
const MAX_BYTES = 10 * 1024 ** 3;
/** How often the size of what is being installed is looked at, in ms. */
const LOOK_MS = 2_000;

/** How one provider makes its environments. */
export interface EnvironmentMaker {
  /** The provider's. */
  readonly name: string;
  /** What makes the same wishes another environment: the versions of what runs inside. */
  identity(how: MountOptions): Promise<readonly string[]>;
  /** Sandboxes that install, with their folders in `dataDir` and what `environments` mounts for them, writable. */
  installers(dataDir: string, environments: EnvironmentMounts): SandboxProvider;
}

export interface HostEnvironmentsOptions {
  /** The server's data directory. */
  readonly dataDir: string;
  /** Environments that are kept (20); one that a sandbox has is kept beyond it. */
  readonly keepEnvironments?: number | undefined;
  /** Bytes that one may have, and all that are kept together (10 GiB). */
  readonly environmentBytes?: number | undefined;
  readonly now?: (() => number) | undefined;
}

/**
 * Environments of this host, in `environments/` of the data directory. Each is made in a sandbox of its own, started as
 * those of sessions are, and shared read-only.
 */
export function hostEnvironments(maker: EnvironmentMaker, options: HostEnvironmentsOptions): EnvironmentMounts {
  const dataDir = resolve(options.dataDir);
  const maxBytes = options.environmentBytes ?? MAX_BYTES;
  const now = (): Date => new Date((options.now ?? Date.now)());
  const folderOf = (name: string): EnvironmentFolder => environmentFolder(dataDir, name);
  const installs = join(environmentsFolder(dataDir), ".installs");
  const installers = maker.installers(installs, {
    ...NO_ENVIRONMENTS,
    mount: async ({ key }) => ({ name: key, folder: folderOf(key).files, writable: true, release: () => undefined }),
  });
  const making = new Map<string, SharedWork>();
  const leases = new Map<string, number>();
  let recovered: Promise<void> | undefined;

  async function endEarlier(): Promise<void> {
    for (const { ref } of await installers.list({ deployment: DEPLOYMENT })) {
      await (await installers.attach(ref))?.terminate();
    }
    await removeTree(installs);
  }

  function recover(): Promise<void> {
    recovered ??= endEarlier().catch((error: unknown) => {
      recovered = undefined;
      throw error;
    });
    return recovered;
  }

  async function make(install: EnvironmentSpec, folder: EnvironmentFolder, how: MountOptions): Promise<void> {
    await recover();
    if ((await readEnvironment(folder)) !== null) return;
    await removeTree(folder.root);
    try {
      await makeEnvironmentFolder(folder);
      for (const { name, folder: from } of install.projects) {
        await copyProject(name, from, join(folder.files, "projects", name));
      }
      await run(install, folder, how);
      await sealEnvironment(folder, now());
    } catch (error) {
      await removeTree(folder.root);
      throw error;
    }
    await sweep();
  }

  async function run(install: EnvironmentSpec, folder: EnvironmentFolder, how: MountOptions): Promise<void> {
    how.onProgress("Starting a sandbox to install what the profile wants");
    const creating = { signal: how.signal, onProgress: () => undefined };
    const sandbox = await installers.create(installerSpec(folder.name, install), creating);
    const over = new AbortController();
    try {
      await Promise.race([
        installIn(sandbox, install, { ...how, signal: AbortSignal.any([how.signal, over.signal]) }),
        watchSize(folder, maxBytes, over.signal),
      ]);
    } finally {
      over.abort();
      await sandbox.terminate();
    }
  }

  /** What could not be removed is tried again after the next installation. */
  async function sweep(): Promise<void> {
    const used = new Set([...(await usedEnvironments(dataDir)), ...leases.keys()]);
    const maxCount = options.keepEnvironments ?? KEEP;
    await sweepEnvironments({ dataDir, used, maxCount, maxBytes }).catch(() => undefined);
  }

  /** What is being called off cannot be joined: it is over first. */
  async function workOn(install: EnvironmentSpec, folder: EnvironmentFolder): Promise<SharedWork> {
    const { name } = folder;
    for (let work = making.get(name); work !== undefined; work = making.get(name)) {
      if (!work.cancelled) return work;
      await work.done.catch(() => undefined);
    }
    const work = new SharedWork((how) => make(install, folder, how).finally(() => making.delete(name)));
    making.set(name, work);
    return work;
  }

  async function ensure(install: EnvironmentSpec, how: MountOptions): Promise<MountedEnvironment> {
    const folder = folderOf(nameOf(install, maker.name, await maker.identity(how)));
    const release = lease(folder.name);
    try {
      await (await workOn(install, folder)).wait(how);
      await touchEnvironment(folder, now());
    } catch (error) {
      release();
      throw error;
    }
    return { name: folder.name, folder: folder.files, writable: false, release };
  }

  function lease(name: string): () => void {
    leases.set(name, (leases.get(name) ?? 0) + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const left = (leases.get(name) ?? 1) - 1;
      if (left > 0) leases.set(name, left);
      else leases.delete(name);
    };
  }

  return {
    recover,
    mount: async ({ install }, how) => (install === undefined ? undefined : ensure(install, how)),
    async close() {
      const works = [...making.values()];
      for (const work of works) work.cancel();
      await Promise.allSettled(works.map(({ done }) => done));
      await installers.close?.();
    },
  };
}

function nameOf({ hash }: EnvironmentSpec, provider: string, identity: readonly string[]): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([hash, ...identity]))
    .digest("hex");
  return `${provider}-${digest.slice(0, 40)}`;
}

function installerSpec(key: string, { installer, proxy }: EnvironmentSpec): SandboxSpec {
  return {
    key,
    tags: { deployment: DEPLOYMENT, tenant: "default", session: key, generation: "1" },
    runner: installer,
    environment: { AGENT_RUNTIME_TASK: "install", AGENT_RUNTIME_MODEL_TOKEN: proxy.token },
  };
}

/** Never resolves; rejects when the folder has more bytes than it may. */
async function watchSize(folder: EnvironmentFolder, maxBytes: number, signal: AbortSignal): Promise<never> {
  for (;;) {
    await sleep(LOOK_MS, undefined, { signal, ref: false });
    if ((await sizeOf(folder.files)) <= maxBytes) continue;
    throw new RuntimeError(
      "environment_failed",
      `What the profile wants installed takes more than ${Math.floor(maxBytes / 1024 / 1024)} MiB. Want less, or raise the provider's environmentBytes.`,
    );
  }
}
