import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runnerBundlePath } from "@hhopkins/agent-runtime-runner/manifest";
import { createGateway } from "../../../gateway/index.ts";
import type { EnvironmentSpec, Sandbox, SandboxProvider, SandboxSpec } from "../../port.ts";
import { listenInside, testSpec, WITHOUT_END, type Inside } from "../../testing/inside.ts";
import { npmPackage } from "../npm-package.ts";
import { registriesFrom } from "../registries.ts";
import { startRegistry, type Registry } from "./registry.ts";

/** A data directory, a registry on loopback, and the way to it as installations have it. */
export interface EnvironmentScene extends AsyncDisposable {
  readonly scratch: string;
  readonly dataDir: string;
  readonly registry: Registry;
  wants(what: Partial<Pick<EnvironmentSpec, "npm" | "pip" | "projects">>): EnvironmentSpec;
  /** What `prepare` takes. */
  wanted(install: EnvironmentSpec): Pick<SandboxSpec, "runner" | "install">;
  /** A sandbox with it, and a way to run things in there. */
  enter(provider: SandboxProvider, install: EnvironmentSpec): Promise<Inside>;
  /** A proxy that reaches the registry and these hosts. */
  proxyTo(more: readonly string[]): EnvironmentSpec["proxy"];
  /** Ends this one with the others. */
  keep(sandbox: Sandbox): Sandbox;
}

export async function environmentScene(): Promise<EnvironmentScene> {
  const scratch = mkdtempSync(join(tmpdir(), "environments-test-"));
  const dataDir = join(scratch, "data");
  mkdirSync(dataDir);
  const registry = await startRegistry();
  const { urls, hosts } = registriesFrom({ npm: registry.npm, pip: registry.pip });
  const gateway = createGateway({
    credentials: () => {
      throw new Error("an installation has no model");
    },
  });
  const proxyTo = (allowedHosts: readonly string[]): EnvironmentSpec["proxy"] => {
    const token = randomUUID();
    const session = { tenant: "default", sessionId: "installations" };
    const guest = gateway.register({ session, generation: 1, token }, { allowedHosts, secrets: [] });
    return { token, serve: (stream) => guest.handle(stream) };
  };
  const proxy = proxyTo(hosts);
  const opened: Sandbox[] = [];
  const keep = (sandbox: Sandbox): Sandbox => {
    opened.push(sandbox);
    return sandbox;
  };
  return {
    scratch,
    dataDir,
    registry,
    keep,
    proxyTo: (more) => proxyTo([...hosts, ...more]),
    wants({ npm = [], pip = [], projects = [] }) {
      return {
        hash: createHash("sha256").update(JSON.stringify({ npm, pip, projects, urls })).digest("hex"),
        npm,
        pip,
        projects,
        registries: urls,
        installer: { bundle: runnerBundlePath(), packages: { npm: npmPackage([import.meta.url]) } },
        proxy,
      };
    },
    wanted: (install) => ({ runner: install.installer, install }),
    enter: async (provider, install) =>
      listenInside(keep(await provider.create(testSpec(randomUUID(), { install }), WITHOUT_END))),
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((sandbox) => sandbox.terminate()));
      await gateway.close();
      await registry[Symbol.asyncDispose]();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
