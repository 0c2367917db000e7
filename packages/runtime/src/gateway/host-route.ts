import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { secretPlaceholder, secretsIn } from "@hhopkins/agent-runtime-protocol";
import { refuseInWords } from "./answer.ts";
import { canonicalHost, reachOf } from "./allowed-hosts.ts";
import { destinationOf, lookupOf, placeOf, type Destination } from "./destination.ts";
import { forward } from "./forward.ts";
import { isToken, shownToken, type Guest } from "./guests.ts";
import { passedHeaders } from "./headers.ts";
import { maskOf, type Mask } from "./mask.ts";
import type { EgressRecord, GatewayIdentity, Secrets } from "./port.ts";
import type { Upstream } from "./upstream.ts";

export interface HostRoute {
  readonly secrets: Secrets;
  readonly upstream: Upstream;
  readonly onEgress: (identity: GatewayIdentity, record: EgressRecord) => void;
}

const HTTPS = 443;

/** `/hosts/api.example.com/path` goes to that host by HTTPS, with the secrets that are meant for it in its headers. */
export async function serveHost(
  request: IncomingMessage,
  response: ServerResponse,
  { guest, route }: { guest: Guest; route: HostRoute },
): Promise<void> {
  if (!isToken(shownToken(request.headers), guest))
    return refuseInWords(response, 401, "This is not the token of this sandbox.");
  const target = targetOf(request.url ?? "");
  if (target === null) return refuseInWords(response, 404, "Write /hosts/<host>/<path>.");
  const told = (record: Pick<EgressRecord, "allowed" | "reason" | "bytesSent" | "bytesReceived">): void =>
    route.onEgress(guest.identity, { host: target.host, port: target.port, way: "hosts", ...record });
  const refused = (status: number, reason: string): void => {
    told({ allowed: false, reason, bytesSent: 0, bytesReceived: 0 });
    refuseInWords(response, status, reason);
  };
  const rules = guest.grants.flatMap(({ hosts }) => hosts);
  const remedy = (place: string): string =>
    `No secret of this session is meant for ${place}: its profile names the hosts, and the server may bound them (boundSecrets).`;
  const destination = await destinationOf({ ...target, rules, remedy }, guest.lookup);
  if ("status" in destination) return refused(destination.status, destination.reason);
  const headers = await headersWithSecrets(request, { guest, destination, secrets: route.secrets });
  if ("missing" in headers)
    return refused(
      502,
      `The secret ${headers.missing} has no value where the server runs, or is not meant for this host.`,
    );
  if (response.destroyed) return;
  const url = new URL(`https://${placeOf(destination.host, destination.port)}${target.path}`);
  forward(request, response, {
    upstream: route.upstream,
    url,
    headers: headers.headers,
    lookup: lookupOf(destination),
    ...(headers.mask === undefined ? {} : { mask: headers.mask }),
    onAnswer: (incoming) => masked(answerHeaders(incoming, url, guest), headers.mask),
    onUnreachable: (error) => refuseInWords(response, 502, `${url.host} cannot be reached: ${error.message}`),
    onDone: ({ sent, received }) => told({ allowed: true, bytesSent: sent, bytesReceived: received }),
  });
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

function targetOf(url: string): Target | null {
  if (!URL.canParse(`http://gateway${url}`)) return null;
  const { pathname, search } = new URL(`http://gateway${url}`);
  const [, place = "", path = ""] = /^\/hosts\/([^/]+)(\/.*)?$/.exec(pathname) ?? [];
  const [, host = "", port] = /^(.*?)(?::(\d{1,5}))?$/.exec(decoded(place)) ?? [];
  const canonical = canonicalHost(host);
  return canonical === null ? null : { host: canonical, port: Number(port ?? HTTPS), path: (path || "/") + search };
}

/** Every placeholder of a secret that is meant for this host gives way to the secret; of another one it is an error. */
async function headersWithSecrets(
  request: IncomingMessage,
  { guest, destination, secrets }: { guest: Guest; destination: Destination; secrets: Secrets },
): Promise<{ headers: OutgoingHttpHeaders; mask?: Mask } | { missing: string }> {
  const { host, port } = destination;
  const values = new Map<string, string>();
  const passed = passedHeaders(request.headers, guest.identity.token);
  const texts = Object.values(passed).map((value) => readable(String(value)));
  for (const name of new Set(texts.flatMap((text) => secretsIn(text)))) {
    const granted = guest.grants.some((grant) => grant.secret === name && reachOf(grant.hosts, host, port) !== null);
    const value = granted
      ? await Promise.resolve(secrets(guest.identity.session, name)).catch(() => undefined)
      : undefined;
    if (value === undefined || /[\r\n\0]/.test(value)) return { missing: name };
    values.set(name, value);
  }
  const headers = Object.fromEntries(
    Object.entries(passed).map(([name, value]) => [name, typeof value === "string" ? filled(value, values) : value]),
  );
  const place = { host: port === HTTPS ? host : placeOf(host, port) };
  if (values.size === 0) return { headers: { ...headers, ...place } };
  const logins = Object.values(headers).flatMap(
    (value) => /^Basic ([A-Za-z0-9+/]{8,})/i.exec(String(value))?.[1] ?? [],
  );
  // What comes compressed cannot be looked through.
  return { headers: { ...headers, ...place, "accept-encoding": "identity" }, mask: maskOf(values.values(), logins) };
}

function masked(headers: OutgoingHttpHeaders, mask: Mask | undefined): OutgoingHttpHeaders {
  if (mask === undefined) return headers;
  const hide = (value: OutgoingHttpHeaders[string]): OutgoingHttpHeaders[string] =>
    typeof value === "string" ? mask.text(value) : Array.isArray(value) ? value.map(mask.text) : value;
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, hide(value)]));
}

/** A login by name and password hides what it says in base64. */
function readable(header: string): string {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header) ?? [];
  return encoded === undefined ? header : Buffer.from(encoded, "base64").toString();
}

function filled(header: string, values: ReadonlyMap<string, string>): string {
  const text = readable(header);
  let result = text;
  for (const [name, value] of values) result = result.replaceAll(secretPlaceholder(name), () => value);
  if (result === text) return header;
  return text === header ? result : `Basic ${Buffer.from(result).toString("base64")}`;
}

/** A redirect to a host that has a secret leads through the gateway again. */
function answerHeaders(incoming: IncomingMessage, url: URL, guest: Guest): OutgoingHttpHeaders {
  const headers = passedHeaders(incoming.headers);
  const { location } = incoming.headers;
  if (location === undefined || !URL.canParse(location, url.href)) return headers;
  const next = new URL(location, url);
  const port = Number(next.port || HTTPS);
  const known = guest.grants.some(({ hosts }) => reachOf(hosts, next.hostname, port) !== null);
  if (next.protocol !== "https:" || !known) return headers;
  return { ...headers, location: `/token/${guest.identity.token}/hosts/${next.host}${next.pathname}${next.search}` };
}

/** Nothing where it is no text: no host is called so. */
function decoded(place: string): string {
  try {
    return decodeURIComponent(place);
  } catch {
    return "";
  }
}
