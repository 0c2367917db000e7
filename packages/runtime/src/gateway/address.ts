import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";

/** `forbidden`: of one link, of nobody, of many, or where clouds tell a machine its secrets. */
export type AddressKind = "public" | "private" | "forbidden";

function listOf(...subnets: string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = "", bits = ""] = subnet.split("/");
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? "ipv6" : "ipv4");
  }
  return list;
}

// IANA's registries of special-purpose addresses, IPv4 and IPv6.
const PRIVATE = listOf(
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "::1/128",
  "fc00::/7",
);
const FORBIDDEN = listOf(
  "0.0.0.0/8",
  "169.254.0.0/16",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
  // Metadata services that are not link-local: Alibaba's, Azure's, and Amazon's of IPv6.
  "100.100.100.200/32",
  "168.63.129.16/32",
  "fd00:ec2::254/128",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
);
/** The only IPv6 addresses that are given out for the whole world. */
const GLOBAL = listOf("2000::/3");
const MAPPED = listOf("::ffff:0:0/96");
const TRANSLATED = listOf("64:ff9b::/96");

/** What an address is; this machine's own are private, whatever they look like. */
export function kindOf(address: string, own: ReadonlySet<string> = ownAddresses()): AddressKind {
  if (isIP(address) === 4) return kindOfV4(address, own);
  if (isIP(address) !== 6) return "forbidden";
  if (MAPPED.check(address, "ipv6") || TRANSLATED.check(address, "ipv6")) return kindOf(embeddedV4(address), own);
  if (FORBIDDEN.check(address, "ipv6")) return "forbidden";
  if (PRIVATE.check(address, "ipv6") || own.has(address)) return "private";
  return GLOBAL.check(address, "ipv6") ? "public" : "forbidden";
}

function kindOfV4(address: string, own: ReadonlySet<string>): AddressKind {
  if (FORBIDDEN.check(address, "ipv4")) return "forbidden";
  return PRIVATE.check(address, "ipv4") || own.has(address) ? "private" : "public";
}

/** The last 32 bits, in the form that URLs give IPv6 addresses: two groups of hex. */
function embeddedV4(address: string): string {
  const groups = new URL(`http://[${address}]/`).hostname.slice(1, -1).split(":");
  const [high = 0, low = 0] = groups.slice(-2).map((group) => Number.parseInt(group || "0", 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

function ownAddresses(): ReadonlySet<string> {
  return new Set(
    Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address)),
  );
}
