import { isIP } from "node:net";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

/** Modal's two lists of what a sandbox may reach by itself: names of hosts, and ranges of addresses. */
export function splitHosts(hosts: readonly string[]): { readonly domains: string[]; readonly cidrs: string[] } {
  const domains: string[] = [];
  const cidrs: string[] = [];
  for (const host of hosts) {
    const [address = "", bits] = host.split("/");
    const version = isIP(address);
    if (version !== 0 && (bits === undefined || /^\d{1,3}$/.test(bits))) {
      cidrs.push(bits === undefined ? `${address}/${version === 4 ? 32 : 128}` : host);
    } else if (/^(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(host)) {
      domains.push(host.toLowerCase());
    } else {
      throw new RuntimeError(
        "invalid_configuration",
        `allowedHosts: ${JSON.stringify(host)} is neither a name like example.com or *.example.com nor an address or range of addresses.`,
        { field: "allowedHosts" },
      );
    }
  }
  return { domains, cidrs };
}
