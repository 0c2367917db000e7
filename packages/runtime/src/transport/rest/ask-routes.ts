import { Id, RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { createRoute, z } from "@hono/zod-openapi";
import { assertMessageSize } from "../message-size.ts";
import { answer, body, documents, problems } from "./documents.ts";
import { createRouter, sessionIdOf, type RestParts, type RestRouter } from "./environment.ts";
import { jsonBody, onMethod } from "./json-body.ts";

const answerAsk = createRoute({
  method: "post",
  path: "/sessions/{id}/asks/{askId}/answer",
  summary: "Answer what the agent asks; once, and the same answer again is answered as the first time",
  request: { params: z.object({ id: z.string(), askId: z.string() }), body: body(documents.AskAnswer) },
  responses: { 200: answer("The answer is kept, and reaches the agent", documents.ResolvedAsk), ...problems },
});

/** Answers to asks. */
export function askRoutes({ service, limits }: RestParts): RestRouter {
  const router = createRouter();
  router.use("/sessions/:id/asks/:askId/answer", onMethod("POST", jsonBody(limits.bodyBytes)));
  router.openapi(answerAsk, async (c) => {
    const { id, askId } = c.req.valid("param");
    const given = { askId: askIdOf(askId), answer: c.req.valid("json") };
    assertMessageSize(JSON.stringify(given.answer), limits.messageBytes, "answer");
    return c.json(await service.answer(c.var.principal, sessionIdOf(id), given), 200);
  });
  return router;
}

function askIdOf(id: string): string {
  if (Id.safeParse(id).success) return id;
  throw new RuntimeError("ask_not_found", "There is no such ask.");
}
