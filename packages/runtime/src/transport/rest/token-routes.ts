import { createRoute } from "@hono/zod-openapi";
import type { Tokens } from "../../auth/tokens.ts";
import { answer, body, documents, problems } from "./documents.ts";
import { createRouter, type RestParts, type RestRouter } from "./environment.ts";
import { jsonBody, onMethod } from "./json-body.ts";

const create = createRoute({
  method: "post",
  path: "/tokens",
  summary: "Make a short-lived bearer with at most the rights of who asks",
  request: { body: body(documents.CreateTokenBody) },
  responses: { 201: answer("The token, and until when it is good", documents.CreateTokenAnswer), ...problems },
});

/** Bearers for pages and other clients that are not to hold a key. */
export function tokenRoutes({ limits }: RestParts, tokens: Pick<Tokens, "create">): RestRouter {
  const router = createRouter();
  router.use("/tokens", onMethod("POST", jsonBody(limits.bodyBytes)));
  router.openapi(create, async (c) => c.json(await tokens.create(c.var.principal, c.req.valid("json")), 201));
  return router;
}
