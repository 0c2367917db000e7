import { join } from "node:path";
import type { SandboxSpec } from "./port.ts";

/** An environment for one sandbox, as a folder of this host. */
export interface MountedEnvironment {
  /** Kept in the sandbox's record: while the record is there the folder is. */
  readonly name: string;
  readonly folder: string;
  /** Only while it is being made. */
  readonly writable: boolean;
  /** The record is written, or there will be none. */
  release(): void;
}

export interface MountOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

/** Where a provider of this host has its environments from. */
export interface EnvironmentMounts {
  /** What this sandbox is to see; undefined: nothing. Makes it where need be. Throws `environment_failed`. */
  mount(spec: Pick<SandboxSpec, "key" | "install">, options: MountOptions): Promise<MountedEnvironment | undefined>;
  /** Ends what an earlier server was making. */
  recover(): Promise<void>;
  close(): Promise<void>;
}

/** For sandboxes that get no environment. */
export const NO_ENVIRONMENTS: EnvironmentMounts = {
  mount: async () => undefined,
  recover: async () => undefined,
  close: async () => undefined,
};

/** A `PATH` with the programs of the environment in `folder` first. */
export function environmentPath(folder: string, path: string): string {
  return [join(folder, "node_modules/.bin"), join(folder, "python/bin"), path].join(":");
}
