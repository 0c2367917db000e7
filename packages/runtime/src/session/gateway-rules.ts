import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import type { GatewayRules } from "../gateway/port.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import { grantsOf } from "../profiles/profile-secrets.ts";
import { profileOf } from "./pinned-profile.ts";
import type { SessionParts } from "./session-parts.ts";

/** What a session's sandbox may reach: the hosts that the operator allows it, and those that its profile has secrets for. */
export async function gatewayRules(parts: SessionParts, key: SessionKey, state: SessionState): Promise<GatewayRules> {
  const { allowedHosts } = await parts.network(key);
  // A profile that has gone meanwhile takes its secrets along, and not the sandbox.
  const profile = await profileOf(parts, { key, state: () => state }).catch(() => null);
  return { allowedHosts, secrets: profile === null ? [] : grantsOf(profile, parts.boundSecrets) };
}
