import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { getRequestListener } from "@hono/node-server";
import type { IncomingMessage, ServerResponse } from "node:http";
import { problemResponse } from "./rest/problem.ts";

/** What a node:http server calls for each request. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Serves a fetch-style app on node:http, streaming both ways: `createServer(createNodeHandler(restApp))`.
 * The app's requests abort when the client goes.
 */
export function createNodeHandler(app: { fetch(request: Request): Response | Promise<Response> }): NodeHandler {
  const listener = getRequestListener((request) => app.fetch(request), {
    // A library leaves the globals of its host alone.
    overrideGlobalObjects: false,
    errorHandler: () =>
      problemResponse(new RuntimeError("invalid_request", "The request's address or host is not valid.")),
  });
  return (request, response) => {
    listener(request, response).catch(() => response.destroy());
  };
}
