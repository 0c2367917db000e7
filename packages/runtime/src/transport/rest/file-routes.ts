import { RuntimeError, isWorkspacePath, type FileEntry } from "@hhopkins/agent-runtime-protocol";
import { createRoute } from "@hono/zod-openapi";
import { byteStream } from "./byte-stream.ts";
import { answer, documents, problems, sessionPath } from "./documents.ts";
import { bytesHeaders, encodeName } from "./file-headers.ts";
import { createRouter, sessionIdOf, type RestParts, type RestRouter } from "./environment.ts";

const list = createRoute({
  method: "get",
  path: "/sessions/{id}/files",
  summary: "The workspace's files, as last synced",
  request: { params: sessionPath },
  responses: { 200: answer("Every file", documents.ListFilesAnswer), ...problems },
});

const archive = createRoute({
  method: "get",
  path: "/sessions/{id}/archive",
  summary: "The whole workspace as a zip, as last synced",
  request: { params: sessionPath },
  responses: { 200: { description: "The zip", content: { "application/zip": {} } }, ...problems },
});

/** Files of the workspace: their list, and the bytes of one. */
export function fileRoutes({ service }: RestParts): RestRouter {
  const router = createRouter();
  router.openapi(list, async (c) => {
    return c.json(await service.files(c.var.principal, sessionIdOf(c.req.valid("param").id)), 200);
  });
  router.openapi(archive, async (c) => {
    const id = sessionIdOf(c.req.valid("param").id);
    const bytes = await service.archive(c.var.principal, id);
    return new Response(byteStream(bytes), {
      headers: {
        "content-type": "application/zip",
        "content-disposition": `attachment; filename*=UTF-8''${encodeName(`${id}.zip`)}`,
      },
    });
  });
  router.openAPIRegistry.registerPath({
    method: "get",
    path: "/sessions/{id}/files/{path}",
    summary: "The bytes of one file; {path} may hold slashes",
    request: { params: sessionPath },
    responses: { 200: { description: "Its bytes", content: { "application/octet-stream": {} } }, ...problems },
  });
  // Not `.+`: the name of a file may have line ends in it.
  router.get("/sessions/:id/files/:path{[\\s\\S]+}", async (c) => {
    const id = sessionIdOf(c.req.param("id"));
    const path = c.req.param("path");
    if (!isWorkspacePath(path)) {
      throw new RuntimeError("invalid_request", "path: must name a file inside the workspace", { field: "path" });
    }
    const { entry, bytes } = await service.file(c.var.principal, id, path);
    return new Response(byteStream(bytes), { headers: fileHeaders(entry) });
  });
  return router;
}

function fileHeaders({ path, size, sha256 }: FileEntry): Record<string, string> {
  return bytesHeaders({ name: path.split("/").at(-1) ?? "file", size, sha256 });
}
