import { afterAll, beforeAll, expect, test } from "vitest";
import { nineMethodAdapter } from "./nine-methods.ts";
import { emptyProvider } from "./providers.ts";
import { runningServer, type RunningServer } from "./running-server.ts";

// Codes that only the sessions know; the transports' own tests have the rest.

const BODY = { agentProfileRef: "default", architecture: "claude-agent-sdk" };

let server: RunningServer;

beforeAll(async () => {
  server = await runningServer({
    config: { sandbox: emptyProvider(() => new Promise(() => undefined)), persistence: nineMethodAdapter() },
  });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function refused(method: string, path: string, json?: object) {
  const answer = await server.call(method, path, json);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.json.status).toBe(answer.status);
  return answer.json as Record<string, unknown>;
}

test("an unknown profile and an unknown architecture are 422, and the known ones are named", async () => {
  const profile = await refused("POST", "/sessions/create", { ...BODY, agentProfileRef: "nobody" });
  expect(profile).toMatchObject({ status: 422, error: "unknown_profile", field: "body.agentProfileRef" });
  expect(profile["detail"]).toContain("Known: default");
  const architecture = await refused("POST", "/sessions/create", { ...BODY, architecture: "abacus" });
  expect(architecture).toMatchObject({ status: 422, error: "unknown_architecture", field: "body.architecture" });
  expect(architecture["detail"]).toContain("claude-agent-sdk");
});

test("files that cannot stand together, or are no base64, are refused before anything is made", async () => {
  const file = (path: string, more: object = {}) => ({ path, content: "x", ...more });
  for (const defaultWorkspaceFiles of [
    [file("a"), file("a/b")],
    [file("a", { content: "no base64!", encoding: "base64" })],
    [file("../a")],
    [file("/a")],
  ]) {
    expect(await refused("POST", "/sessions/create", { ...BODY, defaultWorkspaceFiles })).toMatchObject({
      status: 400,
      error: "invalid_request",
    });
  }
  expect((await server.call("GET", "/sessions")).json).toEqual({ sessions: [] });
});

test("every route about a session that is not there is 404", async () => {
  const routes: [string, string, object?][] = [
    ["GET", ""],
    ["DELETE", ""],
    ["POST", "/message", { content: "x" }],
    ["PATCH", "/messages/m", { content: "x" }],
    ["DELETE", "/messages/m"],
    ["POST", "/unload"],
    ["POST", "/sync"],
    ["POST", "/interrupt"],
    ["PATCH", "/options", {}],
    ["GET", "/blocks"],
    ["GET", "/files"],
    ["GET", "/files/a"],
    ["GET", "/events"],
  ];
  for (const [method, path, json] of routes) {
    expect([path, await refused(method, `/sessions/nobody${path}`, json)]).toMatchObject([
      path,
      { status: 404, error: "session_not_found" },
    ]);
  }
});

test("an adapter that cannot delete answers 501, and the session is still there", async () => {
  const sessionId = await server.create();
  expect(await refused("DELETE", `/sessions/${sessionId}`)).toMatchObject({ status: 501, error: "not_supported" });
  expect((await server.state(sessionId)).sessionId).toBe(sessionId);
});

test("a problem document has every field that it may have", async () => {
  expect(await refused("POST", "/sessions/create", { ...BODY, nmae: "x", metadata: 5 })).toEqual({
    type: "about:blank",
    title: "The request is not valid",
    status: 400,
    detail: "body.metadata: Invalid input: expected record, received number",
    error: "invalid_request",
    field: "body.metadata",
    issues: [
      { field: "body.metadata", message: "Invalid input: expected record, received number" },
      { field: "body.nmae", message: "unknown field" },
    ],
  });
});

test("files that a session was created with are listed, with their times", async () => {
  const defaultWorkspaceFiles = [{ path: "a.txt", content: "x", encoding: "utf8" }];
  const { files } = (await server.call("GET", `/sessions/${await server.create({ defaultWorkspaceFiles })}/files`))
    .json;
  const time = expect.stringMatching(/Z$/) as string;
  expect(files).toEqual([
    {
      path: "a.txt",
      type: "file",
      mode: 0o644,
      size: 1,
      sha256: expect.any(String) as string,
      createdAt: time,
      modifiedAt: time,
    },
  ]);
});

test("a sync of a session without a sandbox is done at once", async () => {
  expect((await server.call("POST", `/sessions/${await server.create()}/sync`)).status).toBe(204);
});

test("the API and its description", async () => {
  const document = (await server.call("GET", "/openapi.json")).json;
  expect(document.openapi).toBe("3.1.0");
  expect(Object.keys(document.paths)).toContain("/sessions/{id}/message");
  expect((await server.call("GET", "/ready")).json).toMatchObject({ ready: true, checks: {} });
});
