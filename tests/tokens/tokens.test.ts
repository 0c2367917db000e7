import { createAgentClient, type AgentClient, type LiveEvent } from "@hhopkins/agent-runtime-client";
import type { CreateTokenBody, Principal } from "@hhopkins/agent-runtime";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { SseFollower } from "../client/sse-follower.ts";
import { emptyProvider } from "../contract/providers.ts";
import { KEY, runningServer, type RunningServer } from "../contract/running-server.ts";

// Tokens at a real server. Changes of the options are events that need no sandbox.

const WAIT = { timeout: 60_000, interval: 10 };
const config = { sandbox: emptyProvider(() => new Promise(() => undefined)) };
const backoff = { initialMs: 1, maxMs: 20 };

let server: RunningServer;
let owner: AgentClient;
let own: string;
let other: string;

beforeAll(async () => {
  server = await runningServer({ config });
  owner = createAgentClient({ baseUrl: server.url, apiKey: KEY });
  own = await server.create();
  other = await server.create();
});
afterAll(() => server[Symbol.asyncDispose]());

const tokenOf = async (body: CreateTokenBody): Promise<string> => (await owner.createToken(body)).token;
const by = (apiKey: string): AgentClient => createAgentClient({ baseUrl: server.url, apiKey });
const creation = { agentProfileRef: "default", architecture: "claude-agent-sdk" };

/** A token that is expired by now. */
async function expiredToken(): Promise<string> {
  const { token, expiresAt } = await owner.createToken({ expiresInMs: 1000, renewForMs: 60_000 });
  await vi.waitUntil(() => Date.now() >= Date.parse(expiresAt), WAIT);
  return token;
}

test("a page's token is for its session, with its rights, and for nothing else", async () => {
  const answer = await owner.createToken({ sessionId: own, rights: ["read", "write"] });
  expect(answer).toMatchObject({ sessionId: own, rights: ["read", "write"] });
  const page = by(answer.token);
  expect((await page.getSession(own)).sessionId).toBe(own);
  await page.updateOptions(own, { model: "of-the-page" });
  expect((await page.listFiles(own)).files).toEqual([]);
  const refused = { code: "forbidden", status: 403 };
  const ofOneSession = { ...refused, message: expect.stringContaining(`session ${own} only`) };
  await expect(page.getSession(other)).rejects.toMatchObject(ofOneSession);
  await expect(page.sendMessage(other, "hello")).rejects.toMatchObject(ofOneSession);
  await expect(page.listSessions()).rejects.toMatchObject(ofOneSession);
  await expect(page.listProfiles()).rejects.toMatchObject(ofOneSession);
  for (const call of [() => page.deleteSession(own), () => page.createSession(creation), () => page.forkSession(own)])
    await expect(call()).rejects.toMatchObject({ ...refused, message: expect.stringContaining("the right manage") });
  await expect(page.getSession("nobody")).rejects.toMatchObject(refused);

  const socket = new WebSocket(server.wsUrl, { headers: { authorization: `Bearer ${answer.token}` } });
  await once(socket, "open");
  const ask = async (event: string, data: object): Promise<unknown> => {
    socket.send(JSON.stringify({ id: event, event, data }));
    const [text] = (await once(socket, "message")) as [Buffer];
    return (JSON.parse(text.toString("utf8")) as { data: unknown }).data;
  };
  for (const [event, data] of [
    ["session:join", { sessionId: other }],
    ["session:message", { sessionId: other, content: "hello" }],
    ["session:interrupt", { sessionId: other }],
    ["sessions:watch", {}],
  ] as const)
    expect(await ask(event, data)).toMatchObject({ success: false, error: "forbidden" });
  expect(await ask("session:join", { sessionId: own })).toMatchObject({ success: true, sessionId: own });
  socket.terminate();
});

test("who reads does not write, and makes tokens that read", async () => {
  const reader = by(await tokenOf({ rights: ["read"] }));
  expect((await reader.listSessions()).sessions).toHaveLength(2);
  await expect(reader.interrupt(own)).rejects.toMatchObject({ code: "forbidden", status: 403 });
  expect(await reader.createToken({ sessionId: own })).toMatchObject({ rights: ["read"], sessionId: own });
  await expect(reader.createToken({ rights: ["write"] })).rejects.toMatchObject({
    code: "forbidden",
    field: "body.rights",
  });
});

test("what is asked for is checked, and named", async () => {
  const wrong: [object, string][] = [
    [{ expiresInMs: 999 }, "body.expiresInMs"],
    [{ expiresInMs: 24 * 3_600_000 + 1 }, "body.expiresInMs"],
    [{ renewForMs: 30 * 24 * 3_600_000 + 1 }, "body.renewForMs"],
    [{ rights: [] }, "body.rights"],
    [{ rights: ["all"] }, "body.rights.0"],
    [{ session: own }, "body.session"],
  ];
  for (const [body, field] of wrong)
    expect(await server.call("POST", "/tokens", body)).toMatchObject({ status: 400, json: { field } });
  expect(await server.call("POST", "/v1/tokens", { sessionId: "nobody" })).toMatchObject({
    status: 404,
    json: { error: "session_not_found" },
  });
  const unknown = await fetch(`${server.url}/tokens`, { method: "POST", body: "{}" });
  expect(unknown.status).toBe(401);
});

test("a token that has expired says so, over REST and WebSocket, and one of another key does not", async () => {
  const token = await expiredToken();
  await expect(by(token).listSessions()).rejects.toMatchObject({ code: "token_expired", status: 401 });
  const answer = await fetch(`${server.url}/sessions`, { headers: { authorization: `Bearer ${token}` } });
  expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
  const refused = new WebSocket(server.wsUrl, { headers: { authorization: `Bearer ${token}` } });
  await expect(once(refused, "open")).rejects.toThrow("401");
  const following = by(token).follow(own, {}, { backoff });
  await following.ended;
  expect(following.status).toBe("failed");
  // It can be renewed: for that alone it is still good.
  const renewed = await by(token).createToken({ rights: ["read"] });
  expect((await by(renewed.token).listSessions()).sessions).toHaveLength(2);

  await using another = await runningServer({ config, rest: { apiKey: "another-key" } });
  const foreign = createAgentClient({ baseUrl: another.url, apiKey: await tokenOf({}) });
  await expect(foreign.listSessions()).rejects.toMatchObject({
    code: "unauthorized",
    message: expect.stringContaining("not this server's"),
  });
});

test("streams end with their token, and followers go on with the next one without losing an event", async () => {
  const socket = new WebSocket(server.wsUrl, {
    headers: { authorization: `Bearer ${await tokenOf({ expiresInMs: 1000 })}` },
  });
  const closed = once(socket, "close");

  let asked = 0;
  const nextToken = async (): Promise<string> => {
    asked += 1;
    return tokenOf({ sessionId: own, rights: ["read"], expiresInMs: 1000 });
  };
  // As the docs have it: a token serves until the server refuses it.
  let kept: string | undefined;
  const getToken = async (refused?: string): Promise<string> => {
    if (kept === undefined || kept === refused) kept = await nextToken();
    return kept;
  };
  const seen: LiveEvent[] = [];
  const page = createAgentClient({ baseUrl: server.url, getToken });
  const following = page.follow(own, { onEvent: (event) => seen.push(event) }, { fromStart: true, backoff });
  const streaming = new SseFollower({ url: server.url, sessionId: own, key: nextToken });
  let writes = 0;
  await vi.waitFor(async () => {
    writes += 1;
    await owner.updateOptions(own, { model: `m-${writes}` });
    expect(asked).toBeGreaterThan(5);
    expect(streaming.connections).toBeGreaterThan(2);
  }, WAIT);
  const { lastSeq } = await owner.getSession(own);
  await vi.waitUntil(() => following.state?.lastSeq === lastSeq && streaming.state?.lastSeq === lastSeq, WAIT);
  expect(seen.map(({ seq }) => seq)).toEqual(Array.from({ length: lastSeq }, (_, index) => index + 1));
  const text = await (await fetch(`${server.url}/sessions/${own}`, { headers: { "x-api-key": KEY } })).text();
  expect(JSON.stringify(following.state)).toBe(text);
  expect(JSON.stringify(streaming.state)).toBe(text);
  following.stop();
  await Promise.all([following.ended, streaming.stop()]);

  const [code, reason] = (await closed) as [number, Buffer];
  expect([code, reason.toString()]).toEqual([4401, "token expired"]);
});

test("an application's own principals give tokens of their tenant and rights; tokenSecret makes servers agree", async () => {
  const known: Record<string, Principal> = {
    ann: { id: "ann", tenant: "a" },
    guest: { id: "guest", tenant: "a", rights: ["read"] },
    bob: { id: "bob", tenant: "b" },
  };
  const authenticate = (request: Request) => known[request.headers.get("x-api-key") ?? ""] ?? null;
  const tokenSecret = "a secret of at least thirty-two characters";
  await using one = await runningServer({ config: { ...config, authenticate, tokenSecret } });
  await using two = await runningServer({ config: { ...config, authenticate, tokenSecret } });
  await using third = await runningServer({ config: { ...config, authenticate } });
  const at = (url: string, token: string) => createAgentClient({ baseUrl: url, apiKey: token });
  const give = async (url: string, name: string, body: CreateTokenBody = {}) => {
    const headers = { "x-api-key": name, "content-type": "application/json" };
    const response = await fetch(`${url}/tokens`, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: response.status, json: (await response.json()) as { token: string; rights: string[] } };
  };
  const ann = at(one.url, (await give(one.url, "ann")).json.token);
  const bob = at(one.url, (await give(one.url, "bob")).json.token);
  const { sessionId } = await ann.createSession(creation);
  expect((await ann.listSessions()).sessions).toHaveLength(1);
  expect((await bob.listSessions()).sessions).toEqual([]);
  await expect(bob.getSession(sessionId)).rejects.toMatchObject({ code: "session_not_found" });
  expect((await give(one.url, "bob", { sessionId })).status).toBe(404);
  const guest = await give(one.url, "guest");
  expect(guest.json.rights).toEqual(["read"]);
  await expect(at(one.url, guest.json.token).createSession(creation)).rejects.toMatchObject({ code: "forbidden" });
  expect((await give(one.url, "guest", { rights: ["manage"] })).status).toBe(403);

  const { token } = (await give(one.url, "ann")).json;
  expect((await at(two.url, token).listSessions()).sessions).toEqual([]);
  // Here the secret follows from the key that the harness gives to each server.
  await expect(at(third.url, token).listSessions()).rejects.toMatchObject({ code: "unauthorized" });
});
