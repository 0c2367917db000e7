import { expect, test } from "vitest";
import { createAgentClient } from "./client.ts";

interface Seen {
  url: string;
  method: string;
  body: unknown;
  authorization: string | null;
}

function clientOf(
  answer: () => Response,
  options: { apiKey?: string; getToken?: (refused?: string) => Promise<string> } = { apiKey: "k" },
) {
  const seen: Seen[] = [];
  const fetch = (async (input: string, init: RequestInit) => {
    const request = new Request(input, init);
    const text = await request.text();
    seen.push({
      url: request.url,
      method: request.method,
      body: text === "" ? null : JSON.parse(text),
      authorization: request.headers.get("authorization"),
    });
    return answer();
  }) as typeof globalThis.fetch;
  return { client: createAgentClient({ baseUrl: "http://x/base/", ...options, fetch }), seen };
}

test("every method calls its route", async () => {
  const { client, seen } = clientOf(() => Response.json({ sessions: [] }));
  await client.createSession({ agentProfileRef: "default", architecture: "claude-agent-sdk" });
  await client.listSessions({ limit: 5, cursor: "a b" });
  await client.listSessions({ order: "created", isLoaded: false, type: "t", createdBefore: "2026-11-22T00:00:00Z" });
  await client.getSession("s/1", { blocks: 2 });
  await client.sendMessage("s", "hi", { messageId: "m", mode: "steer" });
  await client.updateMessage("s", "m", "ho");
  await client.withdrawMessage("s", "m");
  await client.answerAsk("s", "a:1", { decision: "deny", reason: "no" });
  await client.interrupt("s");
  await client.stopSubagent("s", "toolu_1");
  await client.sync("s");
  await client.unload("s");
  await client.updateOptions("s", { model: "x" });
  await client.getBlocks("s", { before: "b" });
  await client.listFiles("s");
  await client.readFile("s", "dir/ä b");
  await client.listFiles("s", { seq: "start" });
  await client.readFile("s", "a%2Fb", { seq: 7 });
  await client.putFile("s", "dir/a#b?c", new TextEncoder().encode('{"raw":true}'));
  await client.deleteFile("s", "dir/a");
  await client.readArchive("s");
  await client.exportSession("s");
  await client.getNetwork("s");
  await client.getSandbox("s");
  await client.listProfiles();
  await client.getProfile("a/b");
  await client.createProfile({ id: "p", name: "P" });
  await client.replaceProfile({ id: "p", name: "Q" });
  await client.deleteProfile("p");
  await client.createToken({ rights: ["read"] });
  await client.deleteSession("s");
  expect(seen.map(({ method, url }) => `${method} ${url.slice("http://x/base/v1".length)}`)).toEqual([
    "POST /sessions/create",
    "GET /sessions?limit=5&cursor=a+b",
    "GET /sessions?order=created&isLoaded=false&type=t&createdBefore=2026-11-22T00%3A00%3A00Z",
    "GET /sessions/s%2F1?blocks=2",
    "POST /sessions/s/message",
    "PATCH /sessions/s/messages/m",
    "DELETE /sessions/s/messages/m",
    "POST /sessions/s/asks/a%3A1/answer",
    "POST /sessions/s/interrupt",
    "POST /sessions/s/subagents/toolu_1/stop",
    "POST /sessions/s/sync",
    "POST /sessions/s/unload",
    "PATCH /sessions/s/options",
    "GET /sessions/s/blocks?before=b",
    "GET /sessions/s/files",
    "GET /sessions/s/files/dir/%C3%A4%20b",
    "GET /sessions/s/files?seq=start",
    "GET /sessions/s/files/a%252Fb?seq=7",
    "PUT /sessions/s/files/dir/a%23b%3Fc",
    "DELETE /sessions/s/files/dir/a",
    "GET /sessions/s/archive",
    "GET /sessions/s/export",
    "GET /sessions/s/network",
    "GET /sessions/s/sandbox",
    "GET /agent-profiles",
    "GET /agent-profiles/a%2Fb",
    "POST /agent-profiles",
    "PUT /agent-profiles/p",
    "DELETE /agent-profiles/p",
    "POST /tokens",
    "DELETE /sessions/s",
  ]);
  expect(seen[4]?.body).toEqual({ content: "hi", messageId: "m", mode: "steer" });
  expect(seen.find(({ method, url }) => method === "PUT" && url.includes("/files/"))?.body).toEqual({ raw: true });
  expect(new Set(seen.map(({ authorization }) => authorization))).toEqual(new Set(["Bearer k"]));
});

test("a path that an address would resolve to another one goes nowhere", async () => {
  const { client, seen } = clientOf(() => Response.json({}));
  for (const path of ["", "..", "../other", "a/../../..", "a/./b", "a//b", "/a"])
    for (const call of [
      client.readFile("s", path),
      client.putFile("s", path, new Blob([])),
      client.deleteFile("s", path),
    ])
      await expect(call).rejects.toMatchObject({ name: "ClientError", code: "invalid_request", field: "path" });
  expect(seen).toEqual([]);
});

test("problems come as errors with the server's code", async () => {
  const problem = {
    error: "invalid_request",
    detail: "body.content: no",
    field: "body.content",
    issues: [{ field: "body.content", message: "no" }],
  };
  const { client } = clientOf(() => Response.json(problem, { status: 400, headers: { "retry-after": "3" } }));
  await expect(client.sendMessage("s", "")).rejects.toMatchObject({
    name: "ClientError",
    code: "invalid_request",
    message: "body.content: no",
    status: 400,
    field: "body.content",
    issues: [{ message: "no" }],
    retryAfter: 3,
  });
  const broken = clientOf(() => new Response("<html>", { status: 502 }));
  await expect(broken.client.listSessions()).rejects.toMatchObject({ code: "bad_answer", status: 502 });
  const empty = clientOf(() => new Response("<html>"));
  await expect(empty.client.listSessions()).rejects.toMatchObject({ code: "bad_answer" });
  const away = clientOf(() => {
    throw new TypeError("fetch failed");
  });
  await expect(away.client.listSessions()).rejects.toMatchObject({ code: "unreachable" });
});

test("tokens are asked for each time; without any nothing is sent", async () => {
  let count = 0;
  const renewing = clientOf(() => Response.json({}), { getToken: async () => `t${(count += 1)}` });
  await renewing.client.listProfiles();
  await renewing.client.listProfiles();
  expect(renewing.seen.map(({ authorization }) => authorization)).toEqual(["Bearer t1", "Bearer t2"]);
  const open = clientOf(() => Response.json({}), {});
  await open.client.listProfiles();
  expect(open.seen[0]?.authorization).toBeNull();
});

test("a token that is refused is asked for anew, once; the request is repeated with another one and not with the same", async () => {
  const refused = (): Response => Response.json({ error: "token_expired", detail: "It has expired." }, { status: 401 });
  const answers = [refused, () => Response.json({ profiles: [] })];
  const asked: (string | undefined)[] = [];
  const keeping = clientOf(() => (answers.shift() ?? refused)(), {
    getToken: async (old) => (asked.push(old), `t${asked.length}`),
  });
  await keeping.client.listProfiles();
  expect(keeping.seen.map(({ authorization }) => authorization)).toEqual(["Bearer t1", "Bearer t2"]);
  expect(asked).toEqual([undefined, "t1"]);
  await expect(keeping.client.listProfiles()).rejects.toMatchObject({ code: "token_expired", status: 401 });
  expect(keeping.seen).toHaveLength(4);
  const stubborn = clientOf(refused, { getToken: async () => "t" });
  await expect(stubborn.client.listProfiles()).rejects.toMatchObject({ code: "token_expired" });
  expect(stubborn.seen).toHaveLength(1);
  const without = clientOf(refused, { getToken: () => Promise.reject(new Error("Sign in.")) });
  await expect(without.client.listProfiles()).rejects.toMatchObject({ code: "no_token", message: "Sign in." });
});
