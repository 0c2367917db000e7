import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { isIP } from "node:net";

/** One line of an allowlist. */
export interface HostRule {
  /** A name or an address in its one spelling; `*` is every host. */
  readonly host: string;
  /** Every name below `host`, and not `host` itself. */
  readonly subdomains: boolean;
  readonly port: number | "any";
  /** The port was written down. */
  readonly named: boolean;
}

/**
 * How far a rule goes. `public`: addresses that everybody can reach. `private`: also those of private networks and of
 * this machine, since the operator named host and port. `address`: this very address, since the operator wrote it down.
 */
export type Reach = "public" | "private" | "address";

const HTTPS = 443;
const LABELS = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/** The one spelling of a name or address (`0x7f.1` is `127.0.0.1`); null: it is neither. IPv6 comes without brackets. */
export function canonicalHost(text: string): string | null {
  const bare = isIP(text) === 6 ? `[${text}]` : text;
  if (!/^(\[[^\s/?#@\\]+\]|[^\s/?#@\\:]+)$/.test(bare) || !URL.canParse(`http://${bare}/`)) return null;
  const url = new URL(`http://${bare}/`);
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  return isIP(host) !== 0 || LABELS.test(host) ? host : null;
}

/** Throws `invalid_configuration` that shows the wrong line. */
export function parseHostRule(pattern: string): HostRule {
  const text = pattern.trim().toLowerCase();
  const [, host = text, port] = /^(.*?|\[.*\])(?::(\d{1,5}|\*))?$/.exec(isIP(text) === 6 ? `[${text}]` : text) ?? [];
  const number = port === undefined ? HTTPS : port === "*" ? "any" : Number(port);
  const places = { port: number, named: port !== undefined } as const;
  if (number === 0 || (number !== "any" && number > 65_535)) throw wrong(pattern);
  if (host === "*") return { host, subdomains: false, ...places };
  const subdomains = host.startsWith("*.");
  const canonical = canonicalHost(subdomains ? host.slice(2) : host);
  if (canonical === null || (subdomains && isIP(canonical) !== 0)) throw wrong(pattern);
  return { host: canonical, subdomains, ...places };
}

function wrong(pattern: string): RuntimeError {
  return new RuntimeError(
    "invalid_configuration",
    `${JSON.stringify(pattern)} is no host: write example.com, *.example.com or *, and a port where it is not 443, as in example.com:8080.`,
    { field: "network.allowedHosts" },
  );
}

/** How far a host in its one spelling may be reached; null: not at all. */
export function reachOf(rules: readonly HostRule[], host: string, port: number): Reach | null {
  const reaches = rules.filter((rule) => matches(rule, host, port)).map((rule) => reach(rule, host));
  return (["address", "private", "public"] as const).find((one) => reaches.includes(one)) ?? null;
}

function matches(rule: HostRule, host: string, port: number): boolean {
  if (rule.port !== "any" && rule.port !== port) return false;
  if (rule.host === "*") return true;
  return rule.subdomains ? host.endsWith(`.${rule.host}`) : host === rule.host;
}

function reach(rule: HostRule, host: string): Reach {
  if (rule.host !== host) return "public";
  if (isIP(host) !== 0) return "address";
  return rule.named && rule.port !== "any" ? "private" : "public";
}
