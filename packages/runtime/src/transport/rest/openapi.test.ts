import { expect, test } from "vitest";
import { MemorySessions } from "../testing/memory-sessions.ts";
import { createRestApp } from "./app.ts";

test("the OpenAPI document names every route", async () => {
  const app = createRestApp({ service: new MemorySessions(), authenticate: () => null });
  const document = (await (await app.fetch(new Request("http://x/openapi.json"))).json()) as {
    openapi: string;
    paths: Record<string, object>;
  };
  expect(document.openapi).toBe("3.1.0");
  const routes = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  );
  expect(routes.sort()).toEqual([
    "delete /sessions/{id}",
    "delete /sessions/{id}/files/{path}",
    "delete /sessions/{id}/messages/{messageId}",
    "get /agent-profiles",
    "get /health",
    "get /ready",
    "get /sessions",
    "get /sessions/{id}",
    "get /sessions/{id}/archive",
    "get /sessions/{id}/blocks",
    "get /sessions/{id}/events",
    "get /sessions/{id}/files",
    "get /sessions/{id}/files/{path}",
    "get /sessions/{id}/messages/{messageId}/attachments/{name}",
    "get /sessions/{id}/network",
    "get /sessions/{id}/sandbox",
    "patch /sessions/{id}/messages/{messageId}",
    "patch /sessions/{id}/options",
    "post /sessions/create",
    "post /sessions/{id}/asks/{askId}/answer",
    "post /sessions/{id}/interrupt",
    "post /sessions/{id}/message",
    "post /sessions/{id}/rewind",
    "post /sessions/{id}/subagents/{subagentId}/stop",
    "post /sessions/{id}/sync",
    "post /sessions/{id}/unload",
    "put /sessions/{id}/files/{path}",
  ]);
});
