import { expect, test } from "vitest";
import { MemorySessions } from "../testing/memory-sessions.ts";
import { createRestApp } from "./app.ts";

const LIMIT = 1000;
const principal = { id: "p", tenant: "t" };
const service = new MemorySessions();
const app = createRestApp({ service, authenticate: async () => principal, limits: { bodyBytes: LIMIT } });
const ask = async (method: string, path: string, init: RequestInit = {}): Promise<Response> =>
  app.fetch(new Request(`http://x${path}`, { method, ...init }));
const created = await service.create(principal, {
  agentProfileRef: "default",
  architecture: "claude-agent-sdk",
});
const at = `/sessions/${created.sessionId}/files`;

test("PUT takes raw bytes of any type: 201 for a new file, 200 for one that was there; DELETE is 204", async () => {
  const body = new Uint8Array([0, 255, 10]);
  const made = await ask("PUT", `${at}/a/b%20c`, { body, headers: { "content-type": "image/png" } });
  expect([made.status, await made.json()]).toEqual([201, { path: "a/b c", size: 3 }]);
  const text = await ask("PUT", `/v1${at}/a/b%20c`, { body: '{"not":"parsed' });
  expect([text.status, await text.json()]).toEqual([200, { path: "a/b c", size: 14 }]);
  expect(await (await ask("GET", `${at}/a/b%20c`)).text()).toBe('{"not":"parsed');
  const empty = await ask("PUT", `${at}/new%0Aline`);
  expect([empty.status, await empty.json()]).toEqual([201, { path: "new\nline", size: 0 }]);
  expect((await ask("DELETE", `${at}/new%0Aline`)).status).toBe(204);
  expect((await ask("DELETE", `${at}/new%0Aline`)).status).toBe(404);
  expect((await ask("OPTIONS", `${at}/x`)).headers.get("allow")).toBe("DELETE, GET, HEAD, OPTIONS, PUT");
});

test("PUT and DELETE refuse paths that lead elsewhere, and bodies above the limit, declared or not", async () => {
  const before = [...service.workspace.keys()];
  for (const method of ["PUT", "DELETE", "GET"])
    for (const path of ["..%2fx", "%2fetc%2fpasswd", "a%00b", "a%5cb", "a//b", "a/"]) {
      const answer = await ask(method, `${at}/${path}`, method === "PUT" ? { body: "x" } : {});
      expect([method, path, answer.status]).toEqual([method, path, 400]);
      expect(await answer.json()).toMatchObject({ error: "invalid_request", field: "path" });
    }
  const large = new Uint8Array(LIMIT + 1);
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(large);
      controller.close();
    },
  });
  for (const init of [
    { body: large },
    { body: stream, duplex: "half" },
    { body: "x", headers: { "content-length": String(LIMIT + 1) } },
  ]) {
    const answer = await ask("PUT", `${at}/large`, init);
    expect([answer.status, await answer.json()]).toEqual([
      413,
      expect.objectContaining({ error: "payload_too_large", field: "body" }),
    ]);
  }
  expect((await ask("PUT", `${at}/large`, { body: new Uint8Array(LIMIT) })).status).toBe(201);
  expect([...service.workspace.keys()]).toEqual([...before, "large"]);
});

test("`seq` is the number of an event, or start; anything else is refused", async () => {
  service.calls.length = 0;
  for (const seq of ["7", "0", "start"])
    for (const path of ["", "/large"]) expect((await ask("GET", `${at}${path}?seq=${seq}`)).status).toBe(200);
  expect(service.calls).toEqual(["files 7", "file 7", "files 0", "file 0", "files start", "file start"]);
  for (const query of ["seq=", "seq=-1", "seq=1.5", "seq=end", "at=start"])
    for (const path of ["", "/large"]) {
      const answer = await ask("GET", `${at}${path}?${query}`);
      expect([query, answer.status, await answer.json()]).toMatchObject([query, 400, { error: "invalid_request" }]);
    }
});
