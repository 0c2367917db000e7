import { RuntimeError, fromZodError, isWorkspacePath, type FileEntry } from "@hhopkins/agent-runtime-protocol";
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { byteStream } from "./byte-stream.ts";
import { answer, documents, problems, sessionPath } from "./documents.ts";
import { bytesHeaders, encodeName } from "./file-headers.ts";
import { createRouter, sessionIdOf, type RestEnvironment, type RestParts, type RestRouter } from "./environment.ts";
import { readBytes, tooLarge } from "./json-body.ts";

/** As of which event of the log; without it as of now. */
const place = z.strictObject({
  seq: z
    .string()
    .regex(/^(\d{1,15}|start)$/, "must be the number of an event, or start")
    .transform((seq) => (seq === "start" ? ("start" as const) : Number(seq)))
    .optional(),
});
const filePath = sessionPath.extend({ path: z.string() });

const list = createRoute({
  method: "get",
  path: "/sessions/{id}/files",
  summary: "The workspace's files, as last synced, or as they were after an event of the log",
  request: { params: sessionPath, query: place },
  responses: { 200: answer("Every file", documents.ListFilesAnswer), ...problems },
});

const archive = createRoute({
  method: "get",
  path: "/sessions/{id}/archive",
  summary: "The whole workspace as a zip, as last synced",
  request: { params: sessionPath },
  responses: { 200: { description: "The zip", content: { "application/zip": {} } }, ...problems },
});

const bytesOfOne = { "application/octet-stream": { schema: z.string().meta({ format: "binary" }) } };
const onePath = [
  {
    method: "get" as const,
    path: "/sessions/{id}/files/{path}",
    summary: "The bytes of one file; {path} may hold slashes",
    request: { params: filePath, query: place },
    responses: { 200: { description: "Its bytes", content: bytesOfOne }, ...problems },
  },
  {
    method: "put" as const,
    path: "/sessions/{id}/files/{path}",
    summary: "Write a file into the workspace, whole; answered when it is in the log",
    request: { params: filePath, body: { required: true, content: bytesOfOne } },
    responses: {
      200: answer("It was there, and is this now", documents.FileEntry),
      201: answer("It is new", documents.FileEntry),
      ...problems,
    },
  },
  {
    method: "delete" as const,
    path: "/sessions/{id}/files/{path}",
    summary: "Remove a file, a symlink or an empty folder",
    request: { params: filePath },
    responses: { 204: { description: "Removed" }, ...problems },
  },
];

/** Not `.+`: the name of a file may have line ends in it. */
const ONE = "/sessions/:id/files/:path{[\\s\\S]+}";

/** Files of the workspace: their list, and the bytes of one, which can be read, written and removed. */
export function fileRoutes({ service, limits }: RestParts): RestRouter {
  const router = createRouter();
  router.openapi(list, async (c) => {
    const id = sessionIdOf(c.req.valid("param").id);
    return c.json(await service.files(c.var.principal, id, c.req.valid("query")), 200);
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
  for (const path of onePath) router.openAPIRegistry.registerPath(path);
  router.get(ONE, async (c) => {
    const { id, path } = namedFile(c);
    const { entry, bytes } = await service.file(c.var.principal, id, { path, ...placeOf(c.req.query()) });
    return new Response(byteStream(bytes), { headers: fileHeaders(entry) });
  });
  router.put(ONE, async (c) => {
    const { id, path } = namedFile(c);
    if (Number(c.req.header("content-length") ?? "0") > limits.bodyBytes) throw tooLarge(limits.bodyBytes);
    const bytes = await readBytes(c.req.raw.body, limits.bodyBytes);
    const { file, created } = await service.putFile(c.var.principal, id, { path, bytes });
    return c.json(file, created ? 201 : 200);
  });
  router.delete(ONE, async (c) => {
    const { id, path } = namedFile(c);
    await service.deleteFile(c.var.principal, id, path);
    return c.body(null, 204);
  });
  return router;
}

function namedFile(c: Context<RestEnvironment>): { id: string; path: string } {
  const path = c.req.param("path") ?? "";
  if (!isWorkspacePath(path))
    throw new RuntimeError("invalid_request", "path: must name a file inside the workspace", { field: "path" });
  return { id: sessionIdOf(c.req.param("id") ?? ""), path };
}

function placeOf(query: Record<string, string>): z.infer<typeof place> {
  const parsed = place.safeParse(query);
  if (parsed.success) return parsed.data;
  throw fromZodError(parsed.error, "query");
}

function fileHeaders({ path, size, sha256 }: FileEntry): Record<string, string> {
  return bytesHeaders({ name: path.split("/").at(-1) ?? "file", size, sha256 });
}
