import { Id, RuntimeError, fromZodError } from "@hhopkins/agent-runtime-protocol";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Principal } from "../../auth/principal.ts";
import type { TransportLimits } from "../limits.ts";
import type { TransportLog } from "../transport-log.ts";
import type { SessionService } from "../../session/service.ts";

/** What every handler finds in its context. */
export interface RestEnvironment {
  Variables: { principal: Principal };
}

/** What the routes are made of. */
export interface RestParts {
  readonly service: SessionService;
  readonly limits: TransportLimits;
  readonly log: TransportLog;
  /** Milliseconds between comments that keep an SSE stream alive. */
  readonly heartbeatMs: number;
  /** Milliseconds after which an SSE stream ends by itself. */
  readonly streamMs: number;
}

export type RestRouter = OpenAPIHono<RestEnvironment>;

const WHERE: Record<string, string> = { json: "body", query: "query", param: "path", header: "header" };

/** A router whose validators answer with our errors. */
export function createRouter(): RestRouter {
  return new OpenAPIHono<RestEnvironment>({
    defaultHook: (result) => {
      if (!result.success) throw fromZodError(result.error, WHERE[result.target] ?? result.target);
    },
  });
}

/** A path's session id. What cannot be one is answered like one that does not exist. */
export function sessionIdOf(id: string): string {
  if (Id.safeParse(id).success) return id;
  throw new RuntimeError("session_not_found", "There is no such session.");
}
