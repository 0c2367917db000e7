import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { createRoute, z } from "@hono/zod-openapi";
import type { SessionArchives } from "../../archive/archives.ts";
import { listItem } from "../../session/session-service.ts";
import { byteStream } from "./byte-stream.ts";
import { answer, body, documents, problems, sessionPath } from "./documents.ts";
import { createRouter, sessionIdOf, type RestParts, type RestRouter } from "./environment.ts";
import { jsonBody, onMethod } from "./json-body.ts";

const TYPES = ["application/gzip", "application/x-gzip", "application/x-ndjson", "application/octet-stream"];

const bytes = z.string().meta({ format: "binary" });

const read = createRoute({
  method: "get",
  path: "/sessions/{id}/export",
  summary: "The session as one archive: log, transcript and files",
  request: { params: sessionPath },
  responses: { 200: { description: "Gzipped lines of JSON", content: { "application/gzip": {} } }, ...problems },
});

const create = createRoute({
  method: "post",
  path: "/sessions/import",
  summary: "Make a session of an archive, or of a transcript of Claude Code (JSONL); gzipped or not",
  request: {
    query: z.strictObject({
      sessionId: z.string().min(1).max(200).optional(),
      agentProfileRef: z.string().min(1).max(200).optional(),
      name: z.string().min(1).max(1000).optional(),
    }),
    body: { required: true, content: Object.fromEntries(TYPES.map((type) => [type, { schema: bytes }])) },
  },
  responses: { 201: answer("The session", documents.CreateSessionAnswer), ...problems },
});

const fork = createRoute({
  method: "post",
  path: "/sessions/{id}/fork",
  summary: "Make a session that goes on from the end of one of this one's turns",
  request: { params: sessionPath, body: body(documents.ForkSessionBody) },
  responses: { 201: answer("The new session", documents.ForkSessionAnswer), ...problems },
});

/** Sessions out of one store and into another, and copies of them. */
export function archiveRoutes({ limits }: RestParts, archives: SessionArchives): RestRouter {
  const router = createRouter();
  router.openapi(read, async (c) => {
    const id = sessionIdOf(c.req.valid("param").id);
    const bytes = await archives.export(c.var.principal, id);
    const headers = {
      "content-type": "application/gzip",
      "content-disposition": `attachment; filename="${id}.ndjson.gz"`,
    };
    return new Response(byteStream(bytes), { headers });
  });
  router.use("/sessions/:id/fork", onMethod("POST", jsonBody(limits.bodyBytes)));
  router.openapi(fork, async (c) => {
    const id = sessionIdOf(c.req.valid("param").id);
    const { forkedFrom, ...state } = await archives.fork(c.var.principal, id, c.req.valid("json"));
    if (forkedFrom === undefined) throw new RuntimeError("internal", `The fork of ${id} does not say where it began.`);
    return c.json({ ...listItem(state), forkedFrom }, 201);
  });
  router.openapi(create, async (c) => {
    const type = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
    if (!TYPES.includes(type)) {
      const message = `header.content-type: must be one of ${TYPES.join(", ")}`;
      throw new RuntimeError("invalid_request", message, { field: "header.content-type" });
    }
    const archive = c.req.raw.body;
    if (archive === null) throw new RuntimeError("invalid_request", "body: is missing", { field: "body" });
    const state = await archives.import(c.var.principal, archive, {
      ...c.req.valid("query"),
      maxBytes: limits.archiveBytes,
    });
    return c.json(listItem(state), 201);
  });
  return router;
}
