import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { parseHostRule, type HostRule } from "./allowed-hosts.ts";
import { boundedLookup, type Lookup } from "./destination.ts";
import type { GatewayIdentity, GatewayRules } from "./port.ts";

/** Tools that carry the sandbox's token beside a login of their own. */
export const TOKEN_HEADER = "x-agent-runtime-token";

interface CompiledGrant {
  readonly secret: string;
  readonly hosts: readonly HostRule[];
}

/** A sandbox that the gateway serves, for as long as it has not ended. */
export interface Guest {
  identity: GatewayIdentity;
  allowed: readonly HostRule[];
  grants: readonly CompiledGrant[];
  /** What ends with it: streams that it has opened, and those that were opened for it. */
  readonly streams: Set<{ destroy(): unknown }>;
  tunnels: number;
  readonly lookup: Lookup;
}

/** Who may use the gateway, by the token that they show. */
export interface Guests {
  /** The same token again stands for the session, and gets the rules, that are given now. Throws `invalid_configuration` for a host that is none. */
  add(identity: GatewayIdentity, rules: GatewayRules): Guest;
  /** Its token is good for nothing any more, and its streams end. */
  remove(guest: Guest): void;
  has(guest: Guest): boolean;
  /** Whose token it is. Looked up by its digest: how long that takes tells nothing of the token. */
  byToken(token: string): Guest | undefined;
  all(): Iterable<Guest>;
}

export function createGuests(lookup: Lookup): Guests {
  const known = new Map<string, Guest>();
  return {
    add(identity, rules) {
      const compiled = compile(rules);
      const digest = digestOf(identity.token).toString("hex");
      const fresh = { streams: new Set<{ destroy(): unknown }>(), tunnels: 0, lookup: boundedLookup(lookup) };
      const guest = Object.assign(known.get(digest) ?? fresh, { identity, ...compiled });
      known.set(digest, guest);
      return guest;
    },
    remove(guest) {
      known.delete(digestOf(guest.identity.token).toString("hex"));
      for (const stream of guest.streams) stream.destroy();
    },
    has: (guest) => known.get(digestOf(guest.identity.token).toString("hex")) === guest,
    byToken: (token) => known.get(digestOf(token).toString("hex")),
    all: () => known.values(),
  };
}

function compile({ allowedHosts, secrets }: GatewayRules): Pick<Guest, "allowed" | "grants"> {
  return {
    allowed: allowedHosts.map(parseHostRule),
    grants: secrets.map(({ secret, hosts }) => ({ secret, hosts: hosts.map(parseHostRule) })),
  };
}

/** In a time that tells nothing of how much of it was right. */
export function isToken(shown: string | null, { identity }: Guest): boolean {
  return shown !== null && timingSafeEqual(digestOf(shown), digestOf(identity.token));
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** What a sandbox shows as its token: in a header of its own, as a key, as a bearer, or as a password. */
export function shownToken(headers: IncomingHttpHeaders): string | null {
  const own = headers[TOKEN_HEADER];
  if (typeof own === "string") return own;
  const key = headers["x-api-key"];
  if (typeof key === "string") return key;
  return bearer(headers.authorization) ?? password(headers.authorization);
}

/**
 * `/token/art_…/hosts/example.com/` becomes `/hosts/example.com/`, with the token in its header: for tools that are told
 * an address and nothing else. No log sees the token then.
 */
export function takeTokenFromPath(request: IncomingMessage): void {
  const [, token, path] = /^\/token\/([\w-]+)(\/hosts\/.*)$/.exec(request.url ?? "") ?? [];
  if (token === undefined || path === undefined) return;
  request.url = path;
  request.headers[TOKEN_HEADER] = token;
}

/** The same, of who speaks to a proxy. */
export function shownToProxy(headers: IncomingHttpHeaders): string | null {
  return password(headers["proxy-authorization"]) ?? bearer(headers["proxy-authorization"]);
}

function bearer(header: string | undefined): string | null {
  return /^Bearer (.+)$/i.exec(header ?? "")?.[1] ?? null;
}

function password(header: string | undefined): string | null {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? "") ?? [];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, "base64").toString();
  const at = text.indexOf(":");
  return at === -1 ? null : text.slice(at + 1);
}
