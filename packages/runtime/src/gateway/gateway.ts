import { createHash, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { refuse } from "./answer.ts";
import { forward } from "./forward.ts";
import { shownToken } from "./headers.ts";
import type { Credentials, GatewayIdentity, ModelCredential, ModelGateway } from "./port.ts";
import { createUpstream } from "./upstream.ts";

export interface GatewayOptions {
  readonly credentials: Credentials;
  /** Told of every request at debug: session, method, path, status, bytes, time. Never of keys or contents. */
  readonly log?: { debug(detail: object, message: string): void };
  /** The model refused the credential (401, 403), or there is none (401). Called for each such request. */
  readonly onAuthFailure?: (identity: GatewayIdentity, status: number) => void;
  /** Longest body of a request, in bytes (64 MiB). */
  readonly maxBodyBytes?: number;
  /** Longest time to reach the model, in ms (15 s). */
  readonly connectTimeoutMs?: number;
}

const METHODS = new Set(["GET", "HEAD", "POST"]);

/** A gateway in this process. */
export interface StreamGateway extends ModelGateway {
  /** Serves HTTP on a stream that a sandbox has opened, until either side ends it. */
  handle(stream: Duplex, identity: GatewayIdentity): void;
}

/** A gateway to one kind of model API: what begins with `/v1/` is sent on to the base URL of the session's credential. */
export function createGateway(options: GatewayOptions): StreamGateway {
  const identities = new WeakMap<object, GatewayIdentity>();
  const streams = new Set<Duplex>();
  const upstream = createUpstream(options.connectTimeoutMs ?? 15_000);
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
    const identity = identities.get(request.socket);
    if (identity === undefined) request.socket.destroy();
    else void serve(request, response, identity);
  });

  async function serve(request: IncomingMessage, response: ServerResponse, identity: GatewayIdentity): Promise<void> {
    observe(request, response, identity);
    try {
      const target = admit(request, response, identity);
      if (target === null) return;
      const credential = await options.credentials(identity.session);
      if (response.destroyed) return;
      send(request, response, { identity, target, credential });
    } catch (error) {
      const noCredential = error instanceof RuntimeError && error.code === "model_auth_failed";
      if (noCredential) tellAuthFailure(identity, 401);
      // What went wrong inside a foreign `credentials` is not for the sandbox to read.
      const message = error instanceof RuntimeError ? error.message : "The credential of the model could not be had";
      refuse(response, noCredential ? 401 : 503, message);
    }
  }

  /** A listener that throws must not end the process: this is called from events of sockets. */
  function tellAuthFailure(identity: GatewayIdentity, status: number): void {
    try {
      options.onAuthFailure?.(identity, status);
    } catch (error) {
      options.log?.debug({ ...identity.session, err: error }, "onAuthFailure has thrown");
    }
  }

  function send(
    request: IncomingMessage,
    response: ServerResponse,
    to: { identity: GatewayIdentity; target: string; credential: ModelCredential },
  ): void {
    forward(request, response, {
      upstream,
      credential: to.credential,
      target: to.target,
      maxBodyBytes: options.maxBodyBytes ?? 64 * 1024 * 1024,
      onAnswer: (status) => {
        if (status === 401 || status === 403) tellAuthFailure(to.identity, status);
      },
    });
  }

  function observe(request: IncomingMessage, response: ServerResponse, { session, generation }: GatewayIdentity): void {
    const from = performance.now();
    let bytes = 0;
    request.on("data", (chunk: Buffer) => (bytes += chunk.length));
    // Flowing begins with whoever reads the body; here it is only counted.
    request.pause();
    response.once("close", () => {
      const path = request.url?.split("?")[0]?.slice(0, 200);
      const ms = Math.round(performance.now() - from);
      const { method } = request;
      const status = response.writableFinished ? response.statusCode : "cut off";
      options.log?.debug({ ...session, generation, method, path, status, requestBytes: bytes, ms }, "model request");
    });
  }

  function handle(stream: Duplex, identity: GatewayIdentity): void {
    identities.set(stream, identity);
    streams.add(stream);
    stream.once("close", () => streams.delete(stream));
    stream.on("error", () => stream.destroy());
    server.emit("connection", stream);
  }

  return {
    handle,
    serve: (sandbox, identity) => sandbox.accept("gateway", (stream) => handle(stream, identity)),
    async close() {
      for (const stream of streams) stream.destroy();
      upstream.close();
    },
  };
}

/** Path and query of a request that may go on; null: it was answered here. */
function admit(request: IncomingMessage, response: ServerResponse, identity: GatewayIdentity): string | null {
  const { method = "", url = "" } = request;
  if (method === "HEAD" && url === "/") {
    // Harnesses look with this whether there is anybody.
    response.writeHead(200).end();
    return null;
  }
  const shown = shownToken(request.headers);
  if (shown === null || !isSame(shown, identity.token)) {
    refuse(response, 401, "This is not the token of this sandbox");
    return null;
  }
  const target = normalised(url);
  if (target === null) {
    refuse(response, 404, "The gateway sends on only what begins with /v1/");
    return null;
  }
  if (!METHODS.has(method)) {
    refuse(response, 405, `The gateway does not send on ${method}`);
    return null;
  }
  return target;
}

/** A path that climbs out of `/v1/` by dots is not one that begins with it. */
function normalised(target: string): string | null {
  if (!target.startsWith("/") || !URL.canParse(`http://gateway${target}`)) return null;
  const { pathname, search } = new URL(`http://gateway${target}`);
  return pathname.startsWith("/v1/") ? pathname + search : null;
}

/** In a time that tells nothing of how much of it was right. */
function isSame(shown: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(shown), digest(token));
}
