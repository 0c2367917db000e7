import { createHash } from "node:crypto";
import type { SandboxCreateParams } from "modal";
import { RUNNER_PATHS } from "../port.ts";
import type { SandboxSpec, SandboxTags } from "../port.ts";
import { INSIDE } from "./inside/paths.ts";
import { splitHosts } from "./network.ts";
import type { CheckedOptions } from "./options.ts";

const MIB = 1024 * 1024;

/** Unique among the running sandboxes of an app: Modal's own guard against a second one for a key. */
export function sandboxName(deployment: string, key: string): string {
  return `ar-${createHash("sha256")
    .update(JSON.stringify([deployment, key]))
    .digest("hex")
    .slice(0, 40)}`;
}

/** Tags as Modal keeps them, beside the port's. */
export interface ModalTags extends SandboxTags {
  /** The idempotency key. */
  readonly key: string;
  /** Epoch ms. */
  readonly moveAfter: string;
}

/** What Modal is asked for, with every limit said explicitly: its own defaults are other ones. */
export function createParams(spec: SandboxSpec, options: CheckedOptions, moveAfter: number): SandboxCreateParams {
  const tags: ModalTags = { ...spec.tags, key: spec.key, moveAfter: String(moveAfter) };
  const { idleTimeoutMs, region, gpu } = options;
  return {
    name: sandboxName(spec.tags.deployment, spec.key),
    tags: { ...tags },
    command: ["node", INSIDE.boot],
    workdir: "/",
    env: { ...spec.environment, ...pathVariables(spec) },
    timeoutMs: options.timeoutMs,
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
    ...(region === undefined ? {} : { regions: typeof region === "string" ? [region] : [...region] }),
    ...(gpu === undefined ? {} : { gpu }),
    ...resources(spec, options),
    ...network(spec, options),
  };
}

function pathVariables(spec: SandboxSpec): Record<string, string> {
  return {
    [RUNNER_PATHS.workspace]: INSIDE.workspace,
    [RUNNER_PATHS.home]: INSIDE.home,
    [RUNNER_PATHS.state]: INSIDE.state,
    [RUNNER_PATHS.sockets]: INSIDE.sockets,
    [RUNNER_PATHS.packages]: INSIDE.runtime,
    ...(spec.install === undefined ? {} : { [RUNNER_PATHS.environment]: INSIDE.environment }),
  };
}

/** A limit is a ceiling; what is reserved is the option's, or Modal's own default. */
function resources({ limits = {} }: SandboxSpec, { cpu, memoryMiB }: CheckedOptions): SandboxCreateParams {
  const mostMiB = limits.memoryBytes === undefined ? undefined : Math.max(1, Math.floor(limits.memoryBytes / MIB));
  const most = limits.cpus;
  const cores = cpu ?? (most === undefined ? undefined : Math.min(most, 0.125));
  const memory = memoryMiB ?? (mostMiB === undefined ? undefined : Math.min(mostMiB, 128));
  return {
    ...(cores === undefined ? {} : { cpu: cores }),
    ...(most === undefined || cores === undefined ? {} : { cpuLimit: Math.max(most, cores) }),
    ...(memory === undefined ? {} : { memoryMiB: memory }),
    ...(mostMiB === undefined || memory === undefined ? {} : { memoryLimitMiB: Math.max(mostMiB, memory) }),
  };
}

function network({ environment }: SandboxSpec, { allowedHosts = [] }: CheckedOptions): SandboxCreateParams {
  if (allowedHosts === "all") return {};
  // A gateway with a public address is reached by the sandbox itself.
  const gateway = environment["AGENT_RUNTIME_GATEWAY_URL"];
  const hosts = gateway === undefined ? allowedHosts : [...allowedHosts, new URL(gateway).hostname];
  if (hosts.length === 0) return { blockNetwork: true };
  const { domains, cidrs } = splitHosts(hosts);
  return { outboundDomainAllowlist: domains, outboundCidrAllowlist: cidrs };
}
