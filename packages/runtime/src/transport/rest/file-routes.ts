import { RuntimeError, isWorkspacePath, type FileEntry } from "@hhopkins/agent-runtime-protocol";
import { createRoute } from "@hono/zod-openapi";
import { byteStream } from "./byte-stream.ts";
import { answer, documents, problems, sessionPath } from "./documents.ts";
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

const TEXT =
  /\.(?:c|cc|cpp|css|csv|go|h|html?|java|jsx?|json|log|md|mjs|php|py|rb|rs|sh|sql|svg|toml|tsx?|txt|xml|ya?ml)$/i;

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

/** What an agent wrote is never run by a browser: it is text or bytes, and it is saved. */
function fileHeaders(entry: FileEntry): Record<string, string> {
  const name = entry.path.split("/").at(-1) ?? "file";
  return {
    "content-type": TEXT.test(name) ? "text/plain; charset=utf-8" : "application/octet-stream",
    "content-disposition": `attachment; filename*=UTF-8''${encodeName(name)}`,
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    ...(entry.size === undefined ? {} : { "content-length": String(entry.size) }),
    ...(entry.sha256 === undefined ? {} : { etag: `"${entry.sha256}"` }),
  };
}

/** A file name as RFC 5987 wants it. */
function encodeName(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
