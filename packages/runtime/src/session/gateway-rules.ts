import type { AgentProfile, SessionState } from "@hhopkins/agent-runtime-protocol";
import type { GatewayRules, SecretGrant } from "../gateway/port.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import { profileOf } from "./pinned-profile.ts";
import type { SessionParts } from "./session-parts.ts";

/** What a session's sandbox may reach: the hosts that the operator allows it, and those that its profile has secrets for. */
export async function gatewayRules(parts: SessionParts, key: SessionKey, state: SessionState): Promise<GatewayRules> {
  const { allowedHosts } = await parts.network(key);
  // A profile that has gone meanwhile takes its secrets along, and not the sandbox.
  const profile = await profileOf(parts, { key, state: () => state }).catch(() => null);
  return { allowedHosts, secrets: profile === null ? [] : secretGrants(profile) };
}

function secretGrants({ environmentVariables, externalMCPs }: AgentProfile): SecretGrant[] {
  const servers = (externalMCPs ?? []).map((server) => ("url" in server ? server.headers : server.env));
  return [environmentVariables, ...servers]
    .flatMap((variables) => Object.values(variables ?? {}))
    .flatMap((value) => (typeof value === "string" ? [] : [{ secret: value.secret, hosts: value.hosts }]));
}
