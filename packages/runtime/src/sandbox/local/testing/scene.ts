import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sandbox, SandboxProvider, SandboxSpec } from "../../port.ts";
import { WITHOUT_END, testSpec } from "../../testing/inside.ts";
import { localSandbox } from "../index.ts";
import type { LocalSandboxOptions } from "../index.ts";

/** A data directory of its own, the providers on it, and what they have made. */
export interface Scene {
  readonly scratch: string;
  readonly dataDir: string;
  /** Each call is another server, as far as sandboxes are concerned. */
  provider(options?: Partial<LocalSandboxOptions>): SandboxProvider;
  create(key: string, options?: { from?: SandboxProvider; spec?: Partial<SandboxSpec> }): Promise<Sandbox>;
  /** Ends this one with the others. */
  keep(sandbox: Sandbox): Sandbox;
  rootOf(key: string): string;
  end(): Promise<void>;
}

export function localScene(): Scene {
  const scratch = mkdtempSync(join(tmpdir(), "local-test-"));
  const dataDir = join(scratch, "data");
  mkdirSync(dataDir);
  const opened: Sandbox[] = [];
  const scene: Scene = {
    scratch,
    dataDir,
    provider: (options = {}) => localSandbox({ dataDir, pollMs: 20, ...options }),
    create: async (key, { from = scene.provider(), spec = {} } = {}) =>
      scene.keep(await from.create(testSpec(key, spec), WITHOUT_END)),
    keep(sandbox) {
      opened.push(sandbox);
      return sandbox;
    },
    rootOf: (key) => join(dataDir, "sandboxes", key),
    async end() {
      await Promise.all(opened.map((sandbox) => sandbox.terminate()));
      rmSync(scratch, { recursive: true, force: true });
    },
  };
  return scene;
}
