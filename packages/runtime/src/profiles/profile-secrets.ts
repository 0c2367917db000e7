import type { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { isWithin } from "../gateway/bound-secrets.ts";
import type { BoundSecrets, SecretGrant } from "../gateway/port.ts";

/** A secret that a profile names, and where. */
export interface NamedSecret extends SecretGrant {
  /** `environmentVariables.TOKEN`, `externalMCPs.0.headers.Authorization`. */
  readonly field: string;
}

export function secretsOf({ environmentVariables = {}, externalMCPs = [] }: AgentProfile): NamedSecret[] {
  const servers = externalMCPs.map((server, index) =>
    "url" in server
      ? ([`externalMCPs.${index}.headers`, server.headers ?? {}] as const)
      : ([`externalMCPs.${index}.env`, server.env ?? {}] as const),
  );
  return [["environmentVariables", environmentVariables] as const, ...servers].flatMap(([where, variables]) =>
    Object.entries(variables).flatMap(([name, value]) =>
      typeof value === "string" ? [] : [{ field: `${where}.${name}`, secret: value.secret, hosts: value.hosts }],
    ),
  );
}

/** Secrets and the hosts that get their values: of one that the operator has bound no others. */
export function grantsOf(profile: AgentProfile, bound: BoundSecrets): SecretGrant[] {
  return secretsOf(profile).flatMap(({ secret, hosts }) => {
    const limits = boundOf(bound, secret);
    const open = limits === undefined ? hosts : hosts.filter((host) => isWithin(limits, host));
    return open.length === 0 ? [] : [{ secret, hosts: open }];
  });
}

/** undefined: the secret is not bound. */
export function boundOf(bound: BoundSecrets, secret: string): readonly string[] | undefined {
  return Object.hasOwn(bound, secret) ? bound[secret] : undefined;
}
