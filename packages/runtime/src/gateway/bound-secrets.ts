import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { isIP } from "node:net";
import { parseHostRule, type HostRule } from "./allowed-hosts.ts";
import type { BoundSecrets } from "./port.ts";

/** Throws `invalid_configuration` that names the secret. */
export function checkBoundSecrets(bound: BoundSecrets): void {
  for (const [name, hosts] of Object.entries(bound)) {
    const field = `boundSecrets.${name}`;
    if (!/^[A-Za-z0-9_-]{1,100}$/.test(name)) throw wrong(field, "the name must be 1–100 of A-Z a-z 0-9 _ -");
    if (!Array.isArray(hosts) || hosts.length === 0) throw wrong(field, "must be a list of hosts");
    for (const host of hosts) if (parsed(host) === null) throw wrong(field, `${JSON.stringify(host)} is no host`);
  }
}

/** Whether the hosts that a secret is bound to have all of those that `pattern` names, and reach as far. */
export function isWithin(bound: readonly string[], pattern: string): boolean {
  const inner = parsed(pattern);
  return inner !== null && bound.map(parsed).some((outer) => outer !== null && covers(outer, inner));
}

function covers(outer: HostRule, inner: HostRule): boolean {
  if (outer.port !== "any" && outer.port !== inner.port) return false;
  if (farthest(inner) > farthest(outer)) return false;
  if (outer.host === "*") return true;
  if (outer.subdomains) return inner.host.endsWith(`.${outer.host}`) || (inner.subdomains && inner.host === outer.host);
  return inner.host === outer.host && !inner.subdomains;
}

/** As `reachOf` has it: 0 public addresses, 1 also private ones, 2 this very address. */
function farthest({ host, subdomains, port, named }: HostRule): number {
  if (host === "*" || subdomains) return 0;
  if (isIP(host) !== 0) return 2;
  return named && port !== "any" ? 1 : 0;
}

function parsed(pattern: string): HostRule | null {
  try {
    return parseHostRule(pattern);
  } catch {
    return null;
  }
}

function wrong(field: string, problem: string): RuntimeError {
  return new RuntimeError("invalid_configuration", `createAgentRuntime: ${field}: ${problem}.`, { field });
}
