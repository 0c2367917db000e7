import { RuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { isWithin } from "../gateway/bound-secrets.ts";
import type { BoundSecrets } from "../gateway/port.ts";
import { boundOf, secretsOf, type NamedSecret } from "./profile-secrets.ts";

/**
 * A profile that does not come from the operator, but by a request or in an archive: whoever may call the API must get
 * neither at files of the server's machine nor, by naming a host of theirs, at the value of a secret. Throws `forbidden`
 * that names the field, under `where`.
 */
export function refuseForeignPowers(profile: AgentProfile, where: string, bound: BoundSecrets): void {
  const { bundledMCPs = [] } = profile;
  if (bundledMCPs.length > 0)
    throw forbidden(
      `${where}.bundledMCPs.0.localProjectPath`,
      "names a folder of the server's machine, which no request may: put the profile into the folder of --profiles, or install the server as a package (npmDependencies, externalMCPs).",
    );
  for (const secret of secretsOf(profile)) refuseUnbound(secret, where, bound);
}

function refuseUnbound({ field, secret, hosts }: NamedSecret, where: string, bound: BoundSecrets): void {
  const limits = boundOf(bound, secret);
  if (limits === undefined)
    throw forbidden(
      `${where}.${field}.secret`,
      `${secret} is bound to no hosts, so only the operator's own profiles name it: bind it with --bound-secrets ${secret}=HOST (option boundSecrets), or put the profile into the folder of --profiles.`,
    );
  for (const [index, host] of hosts.entries())
    if (!isWithin(limits, host))
      throw forbidden(
        `${where}.${field}.hosts.${index}`,
        `${host} is none of the hosts that ${secret} is bound to: ${limits.join(", ")} (--bound-secrets, option boundSecrets).`,
      );
}

function forbidden(field: string, problem: string): RuntimeError {
  return new RuntimeError("forbidden", `${field}: ${problem}`, { field });
}
