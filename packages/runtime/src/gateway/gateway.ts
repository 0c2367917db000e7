import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { refuse, refuseInWords, refuseTunnel } from "./answer.ts";
import { systemLookup, type Lookup } from "./destination.ts";
import { createGuests, shownToken, takeTokenFromPath, type Guest } from "./guests.ts";
import { serveHost, type HostRoute } from "./host-route.ts";
import { serveModel, type ModelRoute } from "./model-route.ts";
import type {
  Credentials,
  GatewayIdentity,
  GatewayListeners,
  GatewayRules,
  ModelGateway,
  ModelUse,
  Secrets,
} from "./port.ts";
import { serveProxied, serveTunnel, type ProxyRoute } from "./proxy-route.ts";
import { createUpstream } from "./upstream.ts";

export interface GatewayOptions extends GatewayListeners {
  readonly credentials: Credentials;
  /** Values of secrets that profiles name. Default: there are none. */
  readonly secrets?: Secrets;
  /** Told of every request at debug: session, method, path, status, bytes, time. Never of keys or contents. */
  readonly log?: { debug(detail: object, message: string): void };
  /** Longest body of a request to the model, in bytes (64 MiB). */
  readonly maxBodyBytes?: number;
  /** Longest time to reach the model or a host, in ms (15 s). */
  readonly connectTimeoutMs?: number;
  /** Connections that a sandbox may have open to the gateway (512), and through it (128). */
  readonly maxStreams?: number;
  readonly maxTunnels?: number;
  /** What refusals call the list of allowed hosts. Default: as the runtime's option and flag. */
  readonly list?: string;
  /** How names are looked up. Default: as the system does. */
  readonly lookup?: Lookup;
  /** Certificates to trust instead of the usual ones, PEM. */
  readonly ca?: string;
}

/** A sandbox that was let in. */
export interface GatewayGuest {
  /** Serves a stream that the sandbox has opened, until either side ends it. */
  handle(stream: Duplex): void;
  /** Ends its streams; its token is good for nothing any more. */
  revoke(): void;
}

/** A gateway in this process. */
export interface StreamGateway extends ModelGateway {
  /** Lets a sandbox in; the same token again stands for the session, and gets the rules, that are given now. */
  register(identity: GatewayIdentity, rules?: GatewayRules): GatewayGuest;
  /** Who shows this token; null: nobody that is known, or whose sandbox has ended. */
  guestOf(token: string): GatewayGuest | null;
  /** Serves a request that came by another way than the sandbox's own streams: its token says whose it is. */
  request(request: IncomingMessage, response: ServerResponse): void;
}

const NO_RULES: GatewayRules = { allowedHosts: [], secrets: [] };

/** What the gateway says to whoever shows no token that is good. */
export const UNKNOWN_TOKEN = "This is not the token of a sandbox that runs; a token ends with its sandbox";

/** A gateway to one kind of model API, to allowed hosts, and to the hosts of secrets. */
export function createGateway(options: GatewayOptions): StreamGateway {
  const guests = createGuests(options.lookup ?? systemLookup);
  const ofStream = new WeakMap<object, Guest>();
  const connectTimeoutMs = options.connectTimeoutMs ?? 15_000;
  const upstream = createUpstream({ connectTimeoutMs, ...(options.ca === undefined ? {} : { ca: options.ca }) });
  const onAuthFailure = told("onAuthFailure", options.onAuthFailure);
  const onEgress = told("onEgress", options.onEgress);
  const model: ModelRoute = {
    credentials: options.credentials,
    upstream,
    maxBodyBytes: options.maxBodyBytes ?? 64 * 1024 * 1024,
    onAuthFailure,
    onUse: told<ModelUse>("onUse", options.onUse),
  };
  const host: HostRoute = { secrets: options.secrets ?? (() => undefined), upstream, onEgress };
  const list = options.list ?? "allowed hosts (--allowed-hosts, or network.allowedHosts)";
  const proxy: ProxyRoute = { upstream, connectTimeoutMs, list, maxTunnels: options.maxTunnels ?? 128, onEgress };

  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
    const guest = ofStream.get(request.socket);
    if (guest === undefined) request.socket.destroy();
    else serve(request, response, guest);
  });
  server.on("connect", (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const guest = ofStream.get(stream);
    if (guest === undefined) return void stream.destroy();
    serveTunnel(request, stream, { guest, route: proxy, head }).catch(() =>
      refuseTunnel(stream, 502, "The gateway failed."),
    );
  });

  /** A listener that throws must not end the process: this is called from events of sockets. */
  function told<T>(
    name: string,
    listener: ((identity: GatewayIdentity, what: T) => void) | undefined,
  ): (identity: GatewayIdentity, what: T) => void {
    return (identity, what) => {
      try {
        listener?.(identity, what);
      } catch (error) {
        options.log?.debug({ ...identity.session, err: error }, `${name} has thrown`);
      }
    };
  }

  function serve(request: IncomingMessage, response: ServerResponse, guest: Guest): void {
    takeTokenFromPath(request);
    observe(request, response, guest.identity);
    const { method, url = "" } = request;
    // Harnesses look with this whether there is anybody.
    if (method === "HEAD" && url === "/") return void response.writeHead(200).end();
    const failed = (): void => refuseInWords(response, 502, "The gateway failed.");
    if (!url.startsWith("/")) serveProxied(request, response, { guest, route: proxy }).catch(failed);
    else if (url.startsWith("/hosts/")) serveHost(request, response, { guest, route: host }).catch(failed);
    else void serveModel(request, response, { guest, route: model });
  }

  function observe(request: IncomingMessage, response: ServerResponse, { session, generation }: GatewayIdentity): void {
    const from = performance.now();
    let bytes = 0;
    request.on("data", (chunk: Buffer) => (bytes += chunk.length));
    // Flowing begins with whoever reads the body; here it is only counted.
    request.pause();
    response.once("close", () => {
      const path = loggedPath(request.url ?? "");
      const ms = Math.round(performance.now() - from);
      const { method } = request;
      const status = response.writableFinished ? response.statusCode : "cut off";
      options.log?.debug({ ...session, generation, method, path, status, requestBytes: bytes, ms }, "gateway request");
    });
  }

  function handle(stream: Duplex, guest: Guest): void {
    if (!guests.has(guest) || guest.streams.size >= (options.maxStreams ?? 512)) return void stream.destroy();
    ofStream.set(stream, guest);
    guest.streams.add(stream);
    stream.once("close", () => guest.streams.delete(stream));
    stream.on("error", () => stream.destroy());
    server.emit("connection", stream);
  }

  const letIn = (guest: Guest): GatewayGuest => ({
    handle: (stream) => handle(stream, guest),
    revoke: () => guests.remove(guest),
  });

  return {
    register: (identity, rules = NO_RULES) => letIn(guests.add(identity, rules)),
    guestOf(token) {
      const guest = guests.byToken(token);
      return guest === undefined ? null : letIn(guest);
    },
    request(request, response) {
      takeTokenFromPath(request);
      const guest = guests.byToken(shownToken(request.headers) ?? "");
      if (guest === undefined) return refuse(response, 401, UNKNOWN_TOKEN);
      guest.streams.add(response);
      response.once("close", () => guest.streams.delete(response));
      serve(request, response, guest);
    },
    async serve(sandbox, identity, rules = NO_RULES) {
      const guest = letIn(guests.add(identity, rules));
      const listener = await sandbox.accept("gateway", guest.handle);
      const end = async (): Promise<void> => {
        guest.revoke();
        await listener.close();
      };
      return { close: end, revoke: end };
    },
    async close() {
      for (const guest of guests.all()) guests.remove(guest);
      upstream.close();
    },
  };
}

/** Of what goes to other hosts the host is enough: a path there is a part of what is said. */
function loggedPath(url: string): string {
  const [path = ""] = url.split("?");
  const [host = path] = /^(\/hosts|[a-z]+:\/)\/[^/]*/.exec(path) ?? [];
  return host.slice(0, 200);
}
