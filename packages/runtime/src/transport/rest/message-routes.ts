import { ClientId, RuntimeError, type SendMessageBody } from "@hhopkins/agent-runtime-protocol";
import { createRoute, z } from "@hono/zod-openapi";
import { assertMessageSize } from "../message-size.ts";
import { answer, body, documents, problems, sessionPath } from "./documents.ts";
import { createRouter, sessionIdOf, type RestParts, type RestRouter } from "./environment.ts";
import { jsonBody, onMethod } from "./json-body.ts";

const messagePath = z.object({ id: z.string(), messageId: z.string() });

const send = createRoute({
  method: "post",
  path: "/sessions/{id}/message",
  summary: "Send a message; answered when it is in the log",
  request: {
    params: sessionPath,
    headers: z.looseObject({ "idempotency-key": ClientId.optional() }),
    body: body(documents.SendMessageBody),
  },
  responses: { 202: answer("The message is kept", documents.SendMessageAnswer), ...problems },
});

const update = createRoute({
  method: "patch",
  path: "/sessions/{id}/messages/{messageId}",
  summary: "Change a message that still waits",
  request: { params: messagePath, body: body(documents.UpdateMessageBody) },
  responses: { 204: { description: "Changed" }, ...problems },
});

const withdraw = createRoute({
  method: "delete",
  path: "/sessions/{id}/messages/{messageId}",
  summary: "Withdraw a message that still waits",
  request: { params: messagePath },
  responses: { 204: { description: "Withdrawn" }, ...problems },
});

/** Messages: send, change and withdraw. */
export function messageRoutes({ service, limits }: RestParts): RestRouter {
  const router = createRouter();
  router.use("/sessions/:id/message", onMethod("POST", jsonBody(limits.bodyBytes)));
  router.use("/sessions/:id/messages/:messageId", onMethod("PATCH", jsonBody(limits.bodyBytes)));
  router.openapi(send, async (c) => {
    const message: SendMessageBody = c.req.valid("json");
    assertMessageSize(message.content, limits.messageBytes);
    const key = c.req.header("idempotency-key");
    const sent = key === undefined ? message : { ...message, idempotencyKey: key };
    return c.json(await service.send(c.var.principal, sessionIdOf(c.req.valid("param").id), sent), 202);
  });
  router.openapi(update, async (c) => {
    const { id, messageId } = c.req.valid("param");
    const { content } = c.req.valid("json");
    assertMessageSize(content, limits.messageBytes);
    await service.updateMessage(c.var.principal, sessionIdOf(id), { messageId: messageIdOf(messageId), content });
    return c.body(null, 204);
  });
  router.openapi(withdraw, async (c) => {
    const { id, messageId } = c.req.valid("param");
    await service.withdrawMessage(c.var.principal, sessionIdOf(id), messageIdOf(messageId));
    return c.body(null, 204);
  });
  return router;
}

function messageIdOf(id: string): string {
  if (ClientId.safeParse(id).success) return id;
  throw new RuntimeError("message_not_found", "There is no such queued message.");
}
