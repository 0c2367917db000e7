import { lookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { kindOf } from "./address.ts";
import { canonicalHost, reachOf, type HostRule, type Reach } from "./allowed-hosts.ts";

/** Every address of a name, as the machine that the gateway runs on finds them. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export const systemLookup: Lookup = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

/**
 * Few look-ups at once, and one for all who want the same name: the system's take a thread each of the few that this
 * process has for files too, and a name server may be slow on purpose.
 */
export function boundedLookup(lookup: Lookup, most = 2): Lookup {
  const under = new Map<string, Promise<readonly string[]>>();
  return async (host) => {
    for (;;) {
      const known = under.get(host);
      if (known !== undefined) return known;
      if (under.size < most) break;
      await Promise.race(under.values()).catch(() => undefined);
    }
    const found = lookup(host).finally(() => under.delete(host));
    under.set(host, found);
    return found;
  };
}

/** Where a sandbox may go: to these addresses and no others, however often its name is looked up again. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly [string, ...string[]];
}

/** A refusal, in words for the agent, with the remedy. */
export interface Refusal {
  readonly status: 400 | 403 | 502;
  readonly reason: string;
}

export interface Wish {
  /** As the sandbox wrote it. */
  readonly host: string;
  readonly port: number;
  readonly rules: readonly HostRule[];
  /** What to do where the host is on no list. */
  readonly remedy: (place: string) => string;
}

const REACHED: Readonly<Record<Reach, ReadonlySet<string>>> = {
  public: new Set(["public"]),
  private: new Set(["public", "private"]),
  address: new Set(["public", "private", "forbidden"]),
};

/** Resolves the name out here, and checks what it leads to: a name may lead anywhere, and elsewhere a moment later. */
export async function destinationOf(wish: Wish, resolve: Lookup): Promise<Destination | Refusal> {
  const host = canonicalHost(wish.host);
  if (host === null || wish.port < 1 || wish.port > 65_535)
    return { status: 400, reason: `${JSON.stringify(wish.host.slice(0, 100))} with port ${wish.port} is no host.` };
  const place = placeOf(host, wish.port);
  const reach = reachOf(wish.rules, host, wish.port);
  if (reach === null) return { status: 403, reason: wish.remedy(place) };
  const found = isIP(host) === 0 ? await resolve(host).catch(() => []) : [host];
  if (found.length === 0) return { status: 502, reason: `${host} has no address: no such name, or no name server.` };
  const [first, ...others] = found.filter((address) => REACHED[reach].has(kindOf(address)));
  if (first === undefined) {
    const remedy = `Such an address is reached only where the operator lists it by itself, as ${placeOf(found[0] ?? "", wish.port)}.`;
    return { status: 403, reason: `${host} leads to ${found[0]}, which is not a public address. ${remedy}` };
  }
  return { host, port: wish.port, addresses: [first, ...others] };
}

/** `example.com:443`, `[::1]:443`. */
export function placeOf(host: string, port: number): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/** Has a connection go to the addresses that were checked. */
export function lookupOf({ addresses }: Destination): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, callback) => {
    if (options.all === true) callback(null, all);
    else callback(null, addresses[0], isIP(addresses[0]));
  };
}
