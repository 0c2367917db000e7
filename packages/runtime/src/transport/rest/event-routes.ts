import { Id } from "@hhopkins/agent-runtime-protocol";
import { createRoute, z } from "@hono/zod-openapi";
import { remainingMs } from "../../auth/remaining-time.ts";
import { parseCursor, parseEventId } from "../cursor.ts";
import { eventStream } from "../sse/event-stream.ts";
import { problems, sessionPath } from "./documents.ts";
import { createRouter, sessionIdOf, type RestParts, type RestRouter } from "./environment.ts";

const events = createRoute({
  method: "get",
  path: "/sessions/{id}/events",
  summary: "Every event after a cursor, as server-sent events",
  request: {
    params: sessionPath,
    query: z.strictObject({
      after: z.string().optional(),
      logId: z.string().optional(),
      follow: z.enum(["true", "false"]).optional(),
      conversation: Id.optional(),
    }),
  },
  responses: { 200: { description: "Events", content: { "text/event-stream": {} } }, ...problems },
});

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  // Asks reverse proxies not to gather the stream.
  "x-accel-buffering": "no",
};

/** The live events over SSE. */
export function eventRoutes({ service, heartbeatMs, streamMs, log }: RestParts): RestRouter {
  const router = createRouter();
  router.openapi(events, async (c) => {
    const sessionId = sessionIdOf(c.req.valid("param").id);
    const { after, logId, follow, conversation } = c.req.valid("query");
    const lastEventId = c.req.header("last-event-id");
    // A reconnecting browser repeats its address: what it saw last counts more than what that says.
    const cursor =
      lastEventId === undefined || lastEventId === "" ? parseCursor({ after, logId }) : parseEventId(lastEventId);
    const ending = new AbortController();
    const tail = follow === "false";
    const found = await service.follow(c.var.principal, sessionId, {
      ...cursor,
      signal: ending.signal,
      tail,
      ...(conversation === undefined ? {} : { conversation }),
    });
    if (c.req.raw.method === "HEAD") {
      ending.abort();
      return new Response(null, { headers: HEADERS });
    }
    const stream = eventStream(found, {
      sessionId,
      ending,
      heartbeatMs,
      streamMs: Math.min(streamMs, remainingMs(c.var.principal)),
      log,
      merges: !tail,
      client: c.req.raw.signal,
    });
    return new Response(stream, { headers: HEADERS });
  });
  return router;
}
