import { createRoute, z } from "@hono/zod-openapi";
import { answer, documents, problems } from "./documents.ts";
import { createRouter, type RestParts, type RestRouter } from "./environment.ts";

const health = createRoute({
  method: "get",
  path: "/health",
  summary: "Liveness: this process answers",
  responses: { 200: answer("It lives", z.object({ status: z.literal("ok") })), ...problems },
});

const readiness = z.object({ ready: z.boolean(), checks: z.record(z.string(), z.string()) });
const ready = createRoute({
  method: "get",
  path: "/ready",
  summary: "Readiness: this server can take work",
  responses: { 200: answer("Ready", readiness), 503: answer("Not ready; checks say why", readiness), ...problems },
});

const profiles = createRoute({
  method: "get",
  path: "/agent-profiles",
  summary: "List the agent profiles",
  responses: { 200: answer("Every profile", documents.ListProfilesAnswer), ...problems },
});

/** What is about the server and not about a session. */
export function systemRoutes({ service }: RestParts): RestRouter {
  const router = createRouter();
  router.openapi(health, (c) => c.json({ status: "ok" as const }, 200));
  router.openapi(ready, async (c) => {
    const found = await service.readiness();
    const shown = { ready: found.ready, checks: { ...found.checks } };
    return found.ready ? c.json(shown, 200) : c.json(shown, 503);
  });
  router.openapi(profiles, async (c) => c.json(await service.profiles(c.var.principal), 200));
  return router;
}
