import { randomUUID } from "node:crypto";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { INNER_PROGRAM } from "./inner-program.ts";
import { CannotBeShown } from "../case-outcome.ts";
import type { ContractCreateOptions, ContractProvider, ContractSandbox, ContractSpec } from "./provider.ts";
import type { CannotShow, SandboxSubject } from "./subject.ts";

/** What the cases of one run share: a subject, a provider of it, and one sandbox for those that leave it as it was. */
export interface SandboxScene {
  readonly subject: SandboxSubject;
  readonly provider: ContractProvider;
  /** Tag of everything that this run makes. */
  readonly deployment: string;
  /** Another server's provider. */
  another(): ContractProvider;
  spec(key?: string, environment?: Readonly<Record<string, string>>): ContractSpec;
  /** A new sandbox, ended with the scene. */
  create(spec?: ContractSpec): Promise<ContractSandbox>;
  /** The sandbox that cases share. */
  shared(): Promise<ContractSandbox>;
  keep(sandbox: ContractSandbox): ContractSandbox;
  end(): Promise<void>;
}

export const WITHOUT_END: ContractCreateOptions = { signal: new AbortController().signal, onProgress: () => undefined };

/** Prepares a run of the contract; `end` takes away what it has made. */
export async function openSandboxScene(subject: SandboxSubject): Promise<SandboxScene> {
  const folder = await mkdtemp(join(tmpdir(), "sandbox-contract-"));
  const bundle = join(folder, "runner.mjs");
  await writeFile(bundle, INNER_PROGRAM);
  // The sandbox may be another user than this process.
  await chmod(folder, 0o755);
  const deployment = `contract-${randomUUID().slice(0, 8)}`;
  const providers: ContractProvider[] = [];
  const sandboxes = new Set<ContractSandbox>();
  const another = (): ContractProvider => {
    const provider = subject.provider();
    providers.push(provider);
    return provider;
  };
  const provider = another();
  let shared: Promise<ContractSandbox> | undefined;
  const scene: SandboxScene = {
    subject,
    provider,
    deployment,
    another,
    spec: (key = `c-${randomUUID().slice(0, 8)}`, environment = {}) => ({
      key,
      tags: { deployment, tenant: "default", session: key, generation: "1" },
      runner: { bundle, packages: {} },
      environment: { SHOWN: "yes", ...environment },
    }),
    create: async (spec = scene.spec()) => scene.keep(await provider.create(spec, WITHOUT_END)),
    shared: () => (shared ??= scene.create()),
    keep(sandbox) {
      sandboxes.add(sandbox);
      return sandbox;
    },
    async end() {
      await Promise.allSettled([...sandboxes].map((sandbox) => sandbox.terminate()));
      await endLeft(provider, deployment);
      await Promise.allSettled(providers.map(async (one) => one.close?.()));
      await rm(folder, { recursive: true, force: true });
    },
  };
  return scene;
}

/** What a failed case has lost sight of. */
async function endLeft(provider: ContractProvider, deployment: string): Promise<void> {
  for (const { ref } of await provider.list({ deployment }).catch(() => [])) {
    const sandbox = await provider.attach(ref).catch(() => null);
    await sandbox?.terminate().catch(() => undefined);
  }
}

/** What a subject offers, or the end of the case with the subject's reason. */
export function shown<T extends (...given: never[]) => unknown>(offer: T | CannotShow): T {
  if (typeof offer === "function") return offer;
  throw new CannotBeShown(offer.because);
}
