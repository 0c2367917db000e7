import { AgentProfile, RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { createRoute, z } from "@hono/zod-openapi";
import type { ProfileService } from "../../profiles/port.ts";
import { answer, body, documents, problems } from "./documents.ts";
import { createRouter, type RestParts, type RestRouter } from "./environment.ts";
import { jsonBody, onMethod } from "./json-body.ts";

const path = z.object({ id: z.string() });
const AgentProfileBody = AgentProfile.meta({ id: "AgentProfile" });
const one = documents.AgentProfileAnswer;

const read = createRoute({
  method: "get",
  path: "/agent-profiles/{id}",
  summary: "An agent profile as it is now; of secrets the names",
  request: { params: path },
  responses: { 200: answer("The profile", one), ...problems },
});

const create = createRoute({
  method: "post",
  path: "/agent-profiles",
  summary: "Make an agent profile",
  request: { body: body(AgentProfileBody) },
  responses: { 201: answer("The profile", one), ...problems },
});

const replace = createRoute({
  method: "put",
  path: "/agent-profiles/{id}",
  summary: "Replace an agent profile; sessions keep the content that they began with",
  request: { params: path, body: body(AgentProfileBody) },
  responses: { 200: answer("The profile", one), ...problems },
});

const remove = createRoute({
  method: "delete",
  path: "/agent-profiles/{id}",
  summary: "Remove an agent profile; sessions keep the content that they began with",
  request: { params: path },
  responses: { 204: { description: "Removed" }, ...problems },
});

/** Profiles: read, make, change, remove. They are listed by the routes of the system. */
export function profileRoutes({ limits }: RestParts, profiles: ProfileService): RestRouter {
  const router = createRouter();
  router.use("/agent-profiles", onMethod("POST", jsonBody(limits.bodyBytes)));
  router.use("/agent-profiles/:id", onMethod("PUT", jsonBody(limits.bodyBytes)));
  router.openapi(read, async (c) => c.json(await profiles.read(c.var.principal, c.req.valid("param").id), 200));
  router.openapi(create, async (c) => c.json(await profiles.create(c.var.principal, c.req.valid("json")), 201));
  router.openapi(replace, async (c) => {
    const profile = c.req.valid("json");
    const { id } = c.req.valid("param");
    if (profile.id !== id)
      throw new RuntimeError("invalid_request", `body.id: must be ${id}, as in the path`, { field: "body.id" });
    return c.json(await profiles.replace(c.var.principal, profile), 200);
  });
  router.openapi(remove, async (c) => {
    await profiles.delete(c.var.principal, c.req.valid("param").id);
    return c.body(null, 204);
  });
  return router;
}
