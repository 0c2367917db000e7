import { ClientId, RuntimeError, type SendMessageBody } from "@hhopkins/agent-runtime-protocol";
import { createRoute, z } from "@hono/zod-openapi";
import { givenMessage } from "../given-message.ts";
import { assertMessageSize } from "../message-size.ts";
import { answer, body, documents, problems, sessionPath } from "./documents.ts";
import { createRouter, sessionIdOf, type RestParts, type RestRouter } from "./environment.ts";
import { bytesHeaders } from "./file-headers.ts";
import { byteStream } from "./byte-stream.ts";
import { messageBody } from "./multipart-body.ts";
import { jsonBody, onMethod } from "./json-body.ts";

const messagePath = z.object({ id: z.string(), messageId: z.string() });

const send = createRoute({
  method: "post",
  path: "/sessions/{id}/message",
  summary: "Send a message; answered when it is in the log",
  request: {
    params: sessionPath,
    headers: z.looseObject({ "idempotency-key": ClientId.optional() }),
    // Not required here, or the form would be held against the schema of JSON: a body that is missing is refused before.
    body: {
      content: {
        "application/json": { schema: documents.SendMessageBody },
        "multipart/form-data": { schema: documents.SendMessageForm },
      },
    },
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

const attachment = createRoute({
  method: "get",
  path: "/sessions/{id}/messages/{messageId}/attachments/{name}",
  summary: "The bytes of what a message came with",
  request: { params: messagePath.extend({ name: z.string() }) },
  responses: { 200: { description: "Its bytes", content: { "application/octet-stream": {} } }, ...problems },
});

/** Messages: send, change and withdraw; and what they came with. */
export function messageRoutes({ service, limits }: RestParts): RestRouter {
  const router = createRouter();
  router.use("/sessions/:id/message", onMethod("POST", messageBody(limits.bodyBytes)));
  router.use("/sessions/:id/messages/:messageId", onMethod("PATCH", jsonBody(limits.bodyBytes)));
  router.openapi(send, async (c) => {
    // A form was made JSON before.
    const body = c.req.valid("json") as SendMessageBody;
    assertMessageSize(body.content, limits.messageBytes);
    const message = givenMessage(body);
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
  router.openapi(attachment, async (c) => {
    const { id, messageId, name } = c.req.valid("param");
    const at = { messageId: messageIdOf(messageId), name };
    const { attachment: file, bytes } = await service.attachment(c.var.principal, sessionIdOf(id), at);
    const { mediaType, size, sha256 } = file;
    return new Response(byteStream(bytes), { headers: bytesHeaders({ name: file.name, mediaType, size, sha256 }) });
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
