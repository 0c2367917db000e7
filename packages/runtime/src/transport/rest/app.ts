import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { compress } from "hono/compress";
import { cors } from "hono/cors";
import { authenticated } from "../../auth/authentication.ts";
import type { Authenticate } from "../../auth/principal.ts";
import type { Tokens } from "../../auth/tokens.ts";
import { TRANSPORT_LIMITS, type TransportLimits } from "../limits.ts";
import type { SessionArchives } from "../../archive/archives.ts";
import type { SessionService } from "../../session/service.ts";
import { SILENT_LOG, type TransportLog } from "../transport-log.ts";
import { archiveRoutes } from "./archive-routes.ts";
import { askRoutes } from "./ask-routes.ts";
import { referencePage } from "./docs/page.ts";
import { createRouter, type RestParts, type RestRouter } from "./environment.ts";
import { eventRoutes } from "./event-routes.ts";
import { fileRoutes } from "./file-routes.ts";
import { messageRoutes } from "./message-routes.ts";
import { openApiDocument } from "./openapi.ts";
import { asRuntimeError, problemResponse } from "./problem.ts";
import type { ProfileService } from "../../profiles/port.ts";
import { profileRoutes } from "./profile-routes.ts";
import { allowedMethods } from "./route-methods.ts";
import { sessionRoutes } from "./session-routes.ts";
import { subagentRoutes } from "./subagent-routes.ts";
import { systemRoutes } from "./system-routes.ts";
import { tokenRoutes } from "./token-routes.ts";

export interface RestAppOptions {
  readonly service: SessionService;
  /** Sessions can be exported and imported. */
  readonly archives?: SessionArchives;
  /** Profiles can be read one by one, and changed. */
  readonly profiles?: ProfileService;
  /** Short-lived bearers can be asked for. */
  readonly tokens?: Pick<Tokens, "create">;
  readonly authenticate: Authenticate;
  readonly limits?: Partial<TransportLimits>;
  /** Origins whose pages may call; `*` is every one. None by default. */
  readonly corsOrigins?: readonly string[];
  /** Milliseconds between comments on a silent event stream; 15 s by default. */
  readonly heartbeatMs?: number;
  /** Milliseconds after which an event stream ends by itself and the client resumes; 5 min by default. */
  readonly streamMs?: number;
  readonly log?: TransportLog;
  /** Serves `/gateway/…` to sandboxes elsewhere, which show a token of their own. */
  readonly gateway?: (request: Request) => Promise<Response>;
}

const OPEN_PATHS = new Set(["/", "/docs", "/health", "/ready", "/openapi.json"]);

/** The REST API as a Hono app: `app.fetch(request)`. Every route stands at its path and below `/v1`. */
export function createRestApp(options: RestAppOptions): RestRouter {
  const parts: RestParts = {
    service: options.service,
    limits: { ...TRANSPORT_LIMITS, ...options.limits },
    log: options.log ?? SILENT_LOG,
    heartbeatMs: options.heartbeatMs ?? 15_000,
    streamMs: options.streamMs ?? 300_000,
  };
  const routes = apiRoutes(parts, options);
  const app = createRouter();
  app.onError((error, c) => {
    const known = asRuntimeError(error);
    if (known.code === "internal") {
      parts.log.error({ err: error, method: c.req.method, path: c.req.path }, "A request failed");
    }
    return problemResponse(known);
  });
  app.use(async (c, next) => {
    await next();
    c.res.headers.set("x-content-type-options", "nosniff");
    if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
  });
  const origins = [...(options.corsOrigins ?? [])];
  if (origins.length > 0) app.use(corsFor(origins));
  app.options("*", (c) => {
    const allowed = allowedMethods(routes, unversioned(c.req.path));
    if (allowed.length === 0) throw nothingHere();
    return c.body(null, 204, { allow: allowed.join(", ") });
  });
  const { gateway } = options;
  if (gateway !== undefined) app.all("/gateway/*", (c) => gateway(c.req.raw));
  app.use(async (c, next) => {
    if (!OPEN_PATHS.has(unversioned(c.req.path)))
      c.set("principal", await authenticated(options.authenticate, c.req.raw));
    await next();
  });
  app.route("/v1", routes);
  app.route("/", routes);
  app.notFound((c) => {
    const allowed = allowedMethods(routes, unversioned(c.req.path));
    if (allowed.length === 0) return problemResponse(nothingHere());
    const refused = new RuntimeError(
      "method_not_allowed",
      `${c.req.method} is not allowed here; ${allowed.join(", ")} are.`,
    );
    return problemResponse(refused, { allow: allowed.join(", ") });
  });
  return app;
}

function apiRoutes(parts: RestParts, { archives, profiles, tokens }: RestAppOptions): RestRouter {
  const routes = createRouter();
  for (const part of [systemRoutes, sessionRoutes, messageRoutes, askRoutes, subagentRoutes, fileRoutes, eventRoutes])
    routes.route("/", part(parts));
  if (archives !== undefined) routes.route("/", archiveRoutes(parts, archives));
  if (profiles !== undefined) routes.route("/", profileRoutes(parts, profiles));
  if (tokens !== undefined) routes.route("/", tokenRoutes(parts, tokens));
  const document = openApiDocument(routes);
  routes.get("/", (c) => c.json({ name: "agent-runtime", docs: "/docs", openapi: "/openapi.json" }));
  for (const path of ["/openapi.json", "/docs"]) routes.use(path, compress());
  routes.get("/openapi.json", (c) => c.json(document));
  const reference = lazily(() => referencePage(document));
  routes.get("/docs", (c) => c.html(reference().html, 200, { "content-security-policy": reference().policy }));
  return routes;
}

/** Made when it is first asked for. */
function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function corsFor(origins: string[]) {
  return cors({
    origin: origins.includes("*") ? "*" : origins,
    allowMethods: ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"],
    allowHeaders: ["authorization", "content-type", "idempotency-key", "last-event-id", "x-api-key"],
    exposeHeaders: ["retry-after", "allow", "etag", "content-disposition"],
    maxAge: 600,
  });
}

function unversioned(path: string): string {
  return path === "/v1" ? "/" : path.startsWith("/v1/") ? path.slice(3) : path;
}

function nothingHere(): RuntimeError {
  return new RuntimeError("not_found", "There is nothing at this path.");
}
