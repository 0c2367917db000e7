import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { MemorySessions } from "../testing/memory-sessions.ts";
import { KEY, OTHER_KEY, twoTenants } from "../testing/serving.ts";
import { textEvents } from "../testing/text-events.ts";
import { createRestApp, type RestAppOptions } from "./app.ts";
import type { RestRouter } from "./environment.ts";

let sessions: MemorySessions;
let app: RestRouter;
let logged: { details: object; message: string }[];

function build(options: Partial<RestAppOptions> = {}): RestRouter {
  const log = { warn() {}, error: (details: object, message: string) => void logged.push({ details, message }) };
  return createRestApp({ service: sessions, authenticate: twoTenants, log, ...options });
}

beforeEach(() => {
  sessions = new MemorySessions();
  logged = [];
  app = build();
});

type Body = string | Uint8Array | ReadableStream<Uint8Array>;

interface Call {
  key?: string | null;
  json?: unknown;
  body?: Body;
  headers?: Record<string, string>;
}

async function call(method: string, path: string, { key = KEY, json, body, headers = {} }: Call = {}) {
  const sent = json === undefined ? body : JSON.stringify(json);
  return app.fetch(
    new Request(`http://x${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { "x-api-key": key }),
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent, duplex: "half" }),
    } as RequestInit),
  );
}

async function problem(method: string, path: string, options: Call = {}) {
  const response = await call(method, path, options);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const document = (await response.json()) as Record<string, unknown>;
  expect(document.status).toBe(response.status);
  return { ...document, headers: response.headers } as Record<string, unknown> & { headers: Headers };
}

const creation = { agentProfileRef: "default", architecture: "claude-agent-sdk" };

async function created(): Promise<string> {
  const response = await call("POST", "/sessions/create", { json: creation });
  expect(response.status).toBe(201);
  return ((await response.json()) as { sessionId: string }).sessionId;
}

describe("the founding document's routes, also below /v1", () => {
  test.each(["", "/v1"])("%s", async (base) => {
    const made = await call("POST", `${base}/sessions/create`, { json: { ...creation, metadata: { a: 1 } } });
    expect(made.status).toBe(201);
    const session = (await made.json()) as { sessionId: string };
    expect(session).toMatchObject({
      type: "claude-agent-sdk",
      agentProfileReference: "default",
      runtime: { sandbox: null },
    });
    const id = session.sessionId;
    const sent = await call("POST", `${base}/sessions/${id}/message`, { json: { content: "hello", messageId: "m-1" } });
    expect([sent.status, await sent.json()]).toEqual([202, { success: true, sessionId: id, messageId: "m-1" }]);
    const listed = (await (await call("GET", `${base}/sessions`)).json()) as { sessions: { sessionId: string }[] };
    expect(listed.sessions.map((item) => item.sessionId)).toEqual([id]);
    const state = await call("GET", `${base}/sessions/${id}`);
    expect(await state.text()).toBe(JSON.stringify(await sessions.state({ id: "a", tenant: "a" }, id)));
    expect(await (await call("GET", `${base}/agent-profiles`)).json()).toEqual({
      profiles: [{ id: "default", name: "Default Agent" }],
    });
    expect(await (await call("GET", `${base}/health`, { key: null })).json()).toEqual({ status: "ok" });
  });
});

describe("who may ask", () => {
  test("open paths need no key", async () => {
    for (const path of ["/", "/docs", "/health", "/ready", "/openapi.json", "/v1/health", "/v1/openapi.json"]) {
      expect([path, (await call("GET", path, { key: null })).status]).toEqual([path, 200]);
    }
  });

  test("everything else does, and says how", async () => {
    for (const [method, path] of [
      ["GET", "/sessions"],
      ["POST", "/sessions/create"],
      ["GET", "/nowhere"],
      ["DELETE", "/sessions/s1"],
    ] as const) {
      const refused = await problem(method, path, { key: null });
      expect(refused).toMatchObject({ status: 401, error: "unauthorized" });
      expect(refused.headers.get("www-authenticate")).toBe("Bearer");
    }
    expect(await problem("GET", "/sessions", { key: "wrong" })).toMatchObject({ status: 401 });
    expect((await call("GET", "/sessions", { key: null, headers: { authorization: `Bearer ${KEY}` } })).status).toBe(
      200,
    );
  });

  test("another tenant's session does not exist", async () => {
    const id = await created();
    const foreign = await problem("GET", `/sessions/${id}`, { key: OTHER_KEY });
    const unknown = await problem("GET", "/sessions/nobody", { key: OTHER_KEY });
    expect({ ...foreign, headers: null }).toEqual({ ...unknown, headers: null });
    expect(foreign).toMatchObject({ status: 404, error: "session_not_found" });
    expect(await (await call("GET", "/sessions", { key: OTHER_KEY })).json()).toEqual({ sessions: [] });
  });

  test("a right that lacks is the authenticator's to say", async () => {
    app = build({
      authenticate: () => {
        throw new RuntimeError("forbidden", "read only");
      },
    });
    expect(await problem("GET", "/sessions")).toMatchObject({ status: 403, error: "forbidden", detail: "read only" });
  });
});

describe("bodies", () => {
  test("unknown and wrong fields are named", async () => {
    expect(await problem("POST", "/sessions/create", { json: { ...creation, profle: 1 } })).toMatchObject({
      status: 400,
      error: "invalid_request",
      field: "body.profle",
      detail: "body.profle: unknown field",
    });
    expect(await problem("POST", "/sessions/create", { json: { architecture: 5 } })).toMatchObject({
      issues: [{ field: "body.agentProfileRef" }, { field: "body.architecture" }],
    });
    expect(await problem("POST", "/sessions/create", { json: [] })).toMatchObject({ status: 400 });
    expect(await problem("GET", "/sessions?limit=501")).toMatchObject({ status: 400, field: "query.limit" });
    expect(await problem("GET", "/sessions?page=2")).toMatchObject({ status: 400, field: "query.page" });
  });

  test("paths that climb out are refused", async () => {
    const json = { ...creation, defaultWorkspaceFiles: [{ path: "../evil", content: "" }] };
    expect(await problem("POST", "/sessions/create", { json })).toMatchObject({
      status: 400,
      field: "body.defaultWorkspaceFiles.0.path",
    });
  });

  test("broken JSON, bad UTF-8, no body, deep nesting, wrong type", async () => {
    const headers = { "content-type": "application/json" };
    const cases: [Body | undefined, string][] = [
      ['{"a":', "body: is not valid JSON"],
      [Uint8Array.of(0x22, 0xff, 0x22), "body: is not valid UTF-8"],
      [undefined, "body: is missing"],
      [`${"[".repeat(100_000)}${"]".repeat(100_000)}`, "body: is nested deeper"],
    ];
    for (const [body, detail] of cases) {
      const refused = await problem("POST", "/sessions/create", body === undefined ? { headers } : { headers, body });
      expect(refused).toMatchObject({
        status: 400,
        error: "invalid_request",
        detail: expect.stringContaining(detail) as string,
      });
    }
    const typed = await problem("POST", "/sessions/create", { body: "{}", headers: { "content-type": "text/plain" } });
    expect(typed).toMatchObject({ status: 400, field: "header.content-type" });
  });

  test("the limit counts as it streams, and by content-length", async () => {
    app = build({ limits: { bodyBytes: 1000 } });
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(400).fill(32));
      },
    });
    const headers = { "content-type": "application/json" };
    expect(await problem("POST", "/sessions/create", { body: endless, headers })).toMatchObject({
      status: 413,
      error: "payload_too_large",
    });
    expect(pulled).toBeLessThan(10);
    const declared = { body: "{}", headers: { ...headers, "content-length": "5000" } };
    expect(await problem("POST", "/sessions/create", declared)).toMatchObject({ status: 413 });
  });

  test("a message has a limit of its own, in bytes", async () => {
    app = build({ limits: { messageBytes: 10 } });
    const id = await created();
    expect(await problem("POST", `/sessions/${id}/message`, { json: { content: "éééééé" } })).toMatchObject({
      status: 413,
    });
    expect((await call("POST", `/sessions/${id}/message`, { json: { content: "ééééé" } })).status).toBe(202);
    expect(await problem("PATCH", `/sessions/${id}/messages/m2`, { json: { content: "éééééé" } })).toMatchObject({
      status: 413,
    });
  });
});

describe("messages", () => {
  test("the same id or key answers the same; another content conflicts", async () => {
    const id = await created();
    const send = (json: object, key?: string) =>
      call("POST", `/sessions/${id}/message`, {
        json,
        ...(key === undefined ? {} : { headers: { "idempotency-key": key } }),
      });
    const first = await (await send({ content: "a" }, "k1")).json();
    expect(await (await send({ content: "a" }, "k1")).json()).toEqual(first);
    expect((await send({ content: "b" }, "k1")).status).toBe(409);
    expect((await sessions.state({ id: "a", tenant: "a" }, id)).queue).toHaveLength(1);
  });

  test("bad ids are refused", async () => {
    const id = await created();
    for (const messageId of ["", "a b", "x".repeat(129), "é"]) {
      const refused = await problem("POST", `/sessions/${id}/message`, { json: { content: "a", messageId } });
      expect(refused).toMatchObject({ status: 400, field: "body.messageId" });
    }
    const headers = { "idempotency-key": "a b" };
    expect(await problem("POST", `/sessions/${id}/message`, { json: { content: "a" }, headers })).toMatchObject({
      field: "header.idempotency-key",
    });
  });

  test("change and withdraw what waits", async () => {
    const id = await created();
    await call("POST", `/sessions/${id}/message`, { json: { content: "a", messageId: "m1" } });
    expect((await call("PATCH", `/sessions/${id}/messages/m1`, { json: { content: "b" } })).status).toBe(204);
    expect((await sessions.state({ id: "a", tenant: "a" }, id)).queue[0]?.content).toBe("b");
    expect((await call("DELETE", `/sessions/${id}/messages/m1`)).status).toBe(204);
    expect((await sessions.state({ id: "a", tenant: "a" }, id)).queue).toEqual([]);
    expect(await problem("PATCH", `/sessions/${id}/messages/m9`, { json: { content: "b" } })).toMatchObject({
      error: "message_not_found",
    });
    expect(await problem("DELETE", `/sessions/${id}/messages/a%20b`)).toMatchObject({ error: "message_not_found" });
  });
});

describe("sessions", () => {
  test("commands and options", async () => {
    const id = await created();
    for (const command of ["sync", "interrupt", "unload"]) {
      expect((await call("POST", `/sessions/${id}/${command}`)).status).toBe(204);
    }
    expect(sessions.calls).toEqual([`sync ${id}`, `interrupt ${id}`, `unload ${id}`]);
    expect((await call("PATCH", `/sessions/${id}/options`, { json: { model: "m" } })).status).toBe(204);
    expect((await sessions.state({ id: "a", tenant: "a" }, id)).sessionOptions).toEqual({ model: "m" });
    expect(await problem("PATCH", `/sessions/${id}/options`, { json: { modell: "m" } })).toMatchObject({
      field: "body.modell",
    });
    expect((await call("DELETE", `/sessions/${id}`)).status).toBe(204);
    expect(await problem("GET", `/sessions/${id}`)).toMatchObject({ status: 404 });
  });

  test("pages of the list", async () => {
    const ids = [await created(), await created(), await created()];
    const first = (await (await call("GET", "/sessions?limit=2")).json()) as {
      nextCursor: string;
      sessions: unknown[];
    };
    expect(first.sessions).toHaveLength(2);
    const second = (await (await call("GET", `/sessions?limit=2&cursor=${first.nextCursor}`)).json()) as object;
    expect(second).toMatchObject({ sessions: [{ sessionId: ids[2] }] });
    expect(second).not.toHaveProperty("nextCursor");
  });

  test("the last N blocks, and pages of them", async () => {
    const id = await created();
    for (let n = 1; n <= 4; n += 1)
      for (const draft of textEvents(id, `b${n}`, [`text ${n}`])) sessions.append(id, draft);
    const last = (await (await call("GET", `/sessions/${id}?blocks=2`)).json()) as {
      blocks: { id: string }[];
      blocksBefore: string;
    };
    expect(last.blocks.map((block) => block.id)).toEqual(["b3", "b4"]);
    const older = (await (
      await call("GET", `/sessions/${id}/blocks?before=${last.blocksBefore}&limit=1`)
    ).json()) as object;
    expect(older).toMatchObject({ blocks: [{ id: "b2" }], before: "b2" });
    for (const blocks of ["0", "501", "x", "1.5"]) {
      expect(await problem("GET", `/sessions/${id}?blocks=${blocks}`)).toMatchObject({ field: "query.blocks" });
    }
    const all = await (await call("GET", `/sessions/${id}?blocks=500`)).text();
    expect(all).toBe(await (await call("GET", `/sessions/${id}`)).text());
  });
});

describe("files", () => {
  test("list and bytes, never to be run", async () => {
    const id = await created();
    const bytes = new Uint8Array(200_000).map((_, index) => index % 251);
    sessions.workspace.set("dir/ü '(x).bin", bytes);
    sessions.workspace.set("page.html", new TextEncoder().encode("<script>alert(1)</script>"));
    expect(await (await call("GET", `/sessions/${id}/files`)).json()).toMatchObject({ files: [{ size: 200_000 }, {}] });
    const file = await call("GET", `/sessions/${id}/files/dir/${encodeURIComponent("ü '(x).bin")}`);
    expect(new Uint8Array(await file.arrayBuffer())).toEqual(bytes);
    expect(file.headers.get("content-type")).toBe("application/octet-stream");
    expect(file.headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''%C3%BC%20%27%28x%29.bin");
    const page = await call("GET", `/sessions/${id}/files/page.html`);
    expect(page.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await problem("GET", `/sessions/${id}/files/none`)).toMatchObject({ status: 404, error: "file_not_found" });
  });

  test.each(["a%2F..%2F..%2Fetc", "%2Fetc%2Fpasswd", "a%5Cb", "a%00b", "a//b"])("%s names no file", async (path) => {
    const id = await created();
    expect(await problem("GET", `/sessions/${id}/files/${path}`)).toMatchObject({ status: 400, field: "path" });
  });
});

describe("what is not there and what fails", () => {
  test("404, 405 with Allow, OPTIONS, HEAD", async () => {
    expect(await problem("GET", "/nowhere")).toMatchObject({ status: 404, error: "not_found" });
    const refused = await problem("PUT", "/v1/sessions/s1");
    expect(refused).toMatchObject({ status: 405, error: "method_not_allowed" });
    expect(refused.headers.get("allow")).toBe("DELETE, GET, HEAD, OPTIONS");
    const options = await call("OPTIONS", "/sessions/s1/message", { key: null });
    expect([options.status, options.headers.get("allow")]).toEqual([204, "OPTIONS, POST"]);
    const id = await created();
    const head = await call("HEAD", `/sessions/${id}`);
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect((await call("HEAD", `/sessions/${id}/events`)).status).toBe(200);
    expect(sessions.following).toBe(0);
  });

  test("an unknown error shows nothing and is logged", async () => {
    sessions.failNext = new Error("secret detail");
    const failed = await problem("GET", "/sessions");
    expect(failed).toMatchObject({ status: 500, error: "internal" });
    expect(JSON.stringify(failed)).not.toContain("secret");
    expect(logged).toMatchObject([{ details: { path: "/sessions", err: { message: "secret detail" } } }]);
  });

  test("Retry-After, and codes of the table", async () => {
    sessions.failNext = new RuntimeError("persistence_unavailable", "later", { retryAfter: 2.5 });
    const failed = await problem("GET", "/sessions");
    expect([failed.status, failed.headers.get("retry-after")]).toEqual([503, "3"]);
    expect(await problem("POST", "/sessions/create", { json: { ...creation, agentProfileRef: "x" } })).toMatchObject({
      status: 422,
      error: "unknown_profile",
    });
  });

  test("readiness", async () => {
    sessions.isReady = false;
    const response = await call("GET", "/ready", { key: null });
    expect([response.status, await response.json()]).toEqual([
      503,
      { ready: false, checks: { persistence: "does not answer" } },
    ]);
  });
});

describe("CORS", () => {
  const origin = "https://app.example";
  test("is off by default", async () => {
    const response = await call("GET", "/sessions", { headers: { origin } });
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    const preflight = await call("OPTIONS", "/sessions", {
      key: null,
      headers: { origin, "access-control-request-method": "GET" },
    });
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("lets in who is named, on errors too", async () => {
    app = build({ corsOrigins: [origin] });
    const headers = { origin, "access-control-request-method": "POST", "access-control-request-headers": "x-api-key" };
    const preflight = await call("OPTIONS", "/sessions/create", { key: null, headers });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, origin]);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("x-api-key");
    const refused = await call("GET", "/sessions", { key: null, headers: { origin } });
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, origin]);
    const other = await call("GET", "/sessions", { headers: { origin: "https://evil.example" } });
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
  });
});
