import { createRoute, z } from "@hono/zod-openapi";
import { problems } from "./documents.ts";
import { createRouter, sessionIdOf, type RestParts, type RestRouter } from "./environment.ts";

const stop = createRoute({
  method: "post",
  path: "/sessions/{id}/subagents/{subagentId}/stop",
  summary: "Stop one subagent; its caller goes on",
  request: { params: z.object({ id: z.string(), subagentId: z.string() }) },
  responses: { 204: { description: "It was told to stop, or had ended" }, ...problems },
});

/** Subagents: stop one. */
export function subagentRoutes({ service }: RestParts): RestRouter {
  const router = createRouter();
  router.openapi(stop, async (c) => {
    const { id, subagentId } = c.req.valid("param");
    await service.stopSubagent(c.var.principal, sessionIdOf(id), subagentId);
    return c.body(null, 204);
  });
  return router;
}
