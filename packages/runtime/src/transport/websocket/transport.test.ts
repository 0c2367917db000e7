import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KEY, OTHER_KEY, serve, type Serving } from "../testing/serving.ts";
import { textEvents } from "../testing/text-events.ts";
import { TestClient } from "../testing/ws-client.ts";

const principal = { id: "a", tenant: "a" };
let serving: Serving;
let id: string;
let clients: TestClient[] = [];

async function start(options: Parameters<typeof serve>[0] = {}): Promise<void> {
  serving = await serve(options);
  id = (await serving.sessions.create(principal, { agentProfileRef: "default", architecture: "claude-agent-sdk" }))
    .sessionId;
}

function client(
  path = "/ws",
  options: ConstructorParameters<typeof TestClient>[1] = { headers: { "x-api-key": KEY } },
): TestClient {
  const made = new TestClient(`ws://127.0.0.1:${serving.port}${path}`, options);
  clients.push(made);
  return made;
}

function append(deltas: readonly string[]): void {
  serving.sessions.append(id, textEvents(id, "b1", [])[0]!);
  for (const delta of deltas) serving.sessions.append(id, textEvents(id, "b1", [delta])[1]!);
}

beforeEach(() => start());
afterEach(async () => {
  for (const each of clients) each.webSocket.terminate();
  clients = [];
  await serving.stop();
  expect(serving.sessions.following).toBe(0);
  expect(serving.sessions.watchers).toBe(0);
});

/** Tries to upgrade and answers the plain HTTP response. */
async function refused(
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number | undefined; body: string }> {
  const request = get({
    port: serving.port,
    path,
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    },
  });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, body };
}

describe("upgrade", () => {
  test("a key is needed, as a header or, from browsers, as a subprotocol", async () => {
    expect(await refused("/ws", {})).toMatchObject({
      status: 401,
      body: expect.stringContaining("unauthorized") as string,
    });
    expect((await refused("/ws", { authorization: "Bearer wrong" })).status).toBe(401);
    const token = (key: string): string => `bearer.${Buffer.from(key).toString("base64url")}`;
    expect((await refused("/ws", { "sec-websocket-protocol": `agent-runtime.v1, ${token("wrong")}` })).status).toBe(
      401,
    );
    expect((await refused("/ws", { "sec-websocket-protocol": "bearer.%%%" })).status).toBe(401);
    const browser = await client("/ws", { protocols: ["agent-runtime.v1", token(KEY)] }).opened();
    expect(browser.webSocket.protocol).toBe("agent-runtime.v1");
    for (const headers of [{ authorization: `Bearer ${KEY}` }, { "x-api-key": KEY }] as Record<string, string>[])
      await client("/", { headers }).opened();
  });

  test("other paths are answered 404, or left to whoever listens", async () => {
    expect((await refused("/other", { "x-api-key": KEY })).status).toBe(404);
    serving.server.on("upgrade", (request, socket) => {
      if (request.url === "/other") socket.end("HTTP/1.1 418 Teapot\r\ncontent-length: 0\r\n\r\n");
    });
    expect((await refused("/other", {})).status).toBe(418);
    await client("/ws").opened();
  });

  test("origins are looked at where they are given", async () => {
    await serving.stop();
    await start({ webSocket: { allowedOrigins: ["https://app.example"] } });
    const own = `http://127.0.0.1:${serving.port}`;
    for (const origin of ["https://app.example", own])
      await client("/ws", { headers: { "x-api-key": KEY, origin } }).opened();
    expect((await refused("/ws", { "x-api-key": KEY, origin: "https://evil.example" })).status).toBe(403);
    expect((await refused("/ws", { "x-api-key": KEY, origin: "null" })).status).toBe(403);
  });

  test("a client that goes during the upgrade, and garbage after it", async () => {
    const socket = connect(serving.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
    );
    socket.write("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nx-api-key: test-key\r\n\r\n");
    socket.destroy();
    const rude = await client().opened();
    (rude.webSocket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
    );
    expect(await rude.closed).toBeGreaterThan(0);
    await client().opened();
  });
});

describe("join", () => {
  test("history and live are one stream, after the ack", async () => {
    append(["a", "b"]);
    const one = await client().opened();
    expect(await one.ask("session:join", { sessionId: id })).toEqual({
      success: true,
      sessionId: id,
      logId: "log:1",
      lastSeq: 4,
    });
    append(["c"]);
    await one.next((frame) => frame.seq === 6);
    expect(one.frames[0]).toHaveProperty("ack");
    expect(one.seqs()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(one.frames[3]).toMatchObject({
      event: "session:block:delta",
      data: { sessionId: id, delta: "a" },
      at: expect.any(String) as string,
    });
  });

  test("a bare client joins by the address", async () => {
    append(["a"]);
    const one = client(`/ws?sessionId=${id}&after=1&logId=log%3A1`);
    await one.next((frame) => frame.seq === 3);
    expect(one.seqs()).toEqual([2, 3]);
    const wrong = client("/ws?sessionId=nobody");
    expect(await wrong.next(() => true)).toMatchObject({ event: "error", data: { code: "session_not_found" } });
    const bad = client(`/ws?sessionId=${id}&after=x`);
    expect(await bad.next(() => true)).toMatchObject({ event: "error", data: { code: "invalid_request" } });
  });

  test("another tenant's session and none are answered alike", async () => {
    const other = await client("/ws", { headers: { "x-api-key": OTHER_KEY } }).opened();
    const foreign = await other.ask("session:join", { sessionId: id });
    expect(foreign).toEqual(await other.ask("session:join", { sessionId: "nobody" }));
    expect(foreign).toMatchObject({ success: false, error: "session_not_found" });
  });

  test("joining again replaces, leaving ends", async () => {
    append(["a", "b"]);
    const one = await client().opened();
    await one.ask("session:join", { sessionId: id });
    await one.next((frame) => frame.seq === 4);
    await one.ask("session:join", { sessionId: id, after: 3 });
    await vi.waitFor(() => expect(one.seqs()).toEqual([1, 2, 3, 4, 4]));
    expect(serving.sessions.following).toBe(1);
    expect(await one.ask("session:join", { sessionId: "nobody" })).toMatchObject({ success: false });
    append(["c"]);
    await one.next((frame) => frame.seq === 6);
    expect(await one.ask("session:leave", { sessionId: id })).toEqual({ success: true });
    await vi.waitFor(() => expect(serving.sessions.following).toBe(0));
    append(["d"]);
    await one.ask("ping");
    expect(one.seqs()).toEqual([1, 2, 3, 4, 4, 5, 6]);
  });

  test("a cursor that cannot be served is answered with a resync", async () => {
    const one = await client().opened();
    expect(await one.ask("session:join", { sessionId: id, after: 7 })).toMatchObject({ success: true, lastSeq: 1 });
    const frame = await one.next((found) => found.event === "session:resync");
    expect(frame).toEqual({
      event: "session:resync",
      data: { sessionId: id, reason: "cursor_ahead", lastSeq: 1, logId: "log:1" },
    });
    await one.ask("session:join", { sessionId: id, logId: "old" });
    await one.next((found) => found.data.reason === "log_replaced");
  });

  test("a deleted session is told", async () => {
    const one = await client().opened();
    await one.ask("session:join", { sessionId: id });
    await serving.sessions.delete(principal, id);
    await one.next((frame) => frame.event === "sessions:removed");
  });
});

describe("commands", () => {
  test("a message with files and a schema", async () => {
    const one = await client().opened();
    const attachment = { name: "a.txt", mediaType: "text/plain", data: Buffer.from("words").toString("base64") };
    const resultSchema = { type: "object" };
    const frame = { sessionId: id, content: "hi", messageId: "m1", resultSchema, attachments: [attachment] };
    expect(await one.ask("session:message", frame)).toMatchObject({ success: true });
    expect((await serving.sessions.state(principal, id)).queue).toMatchObject([
      { resultSchema, attachments: [{ name: "a.txt", size: 5, path: "attachments/m1/a.txt" }] },
    ]);
    const wrong = { ...frame, messageId: "m2", attachments: [{ ...attachment, data: "?" }] };
    expect(await one.ask("session:message", wrong)).toMatchObject({
      error: "invalid_request",
      message: expect.stringContaining("attachments.0.data") as string,
    });
  });

  test("message, interrupt, ping, watch", async () => {
    const one = await client().opened();
    expect(await one.ask("session:message", { sessionId: id, content: "hi", messageId: "m1" })).toEqual({
      success: true,
      sessionId: id,
      messageId: "m1",
    });
    expect(await one.ask("session:message", { sessionId: id, content: "other", messageId: "m1" })).toMatchObject({
      error: "conflict",
    });
    const urgent = { sessionId: id, content: "now", messageId: "m2", mode: "interrupt" };
    expect(await one.ask("session:message", urgent)).toMatchObject({ success: true, messageId: "m2" });
    expect((await serving.sessions.state(principal, id)).queue[0]).toMatchObject({
      messageId: "m2",
      mode: "interrupt",
    });
    expect(await one.ask("session:message", { ...urgent, mode: "shout" })).toMatchObject({ error: "invalid_request" });
    expect(await one.ask("session:interrupt", { sessionId: id })).toEqual({ success: true });
    expect(serving.sessions.calls).toEqual([`interrupt ${id}`]);
    expect(await one.ask("ping")).toEqual({ success: true });
    one.send({ event: "ping" });
    await one.next((frame) => frame.event === "pong");
    expect(await one.ask("sessions:watch", {})).toEqual({ success: true });
    await serving.sessions.create(principal, { agentProfileRef: "default", architecture: "claude-agent-sdk" });
    await serving.sessions.create(
      { id: "b", tenant: "b" },
      { agentProfileRef: "default", architecture: "claude-agent-sdk" },
    );
    await serving.sessions.delete(principal, "s2");
    await one.next((frame) => frame.event === "sessions:removed");
    expect(one.frames.filter((frame) => frame.event?.startsWith("sessions:"))).toMatchObject([
      { event: "sessions:updated", data: { session: { sessionId: "s2" } } },
      { event: "sessions:removed", data: { sessionId: "s2" } },
    ]);
  });

  test("an answer to an ask, and one that no ask takes", async () => {
    const one = await client().opened();
    const answer = { decision: "deny", reason: "no" };
    const kind = "plan" as const;
    const ask = { askId: "a:1", conversationId: "main", kind, prompt: "?", openedAt: "2026-11-22T00:00:00Z" };
    serving.sessions.append(id, { type: "session:ask:opened", data: { sessionId: id, ask } });
    expect(await one.ask("session:answer", { sessionId: id, askId: "a:1", answer })).toEqual({
      success: true,
      sessionId: id,
      askId: "a:1",
      answer,
      by: principal.id,
    });
    const nobody = await one.ask("session:answer", { sessionId: id, askId: "b", answer });
    expect(nobody).toMatchObject({ success: false, error: "ask_not_found" });
    const wrong = await one.ask("session:answer", { sessionId: id, askId: "a:1", answer: { decision: "maybe" } });
    expect(wrong).toMatchObject({ success: false, error: "invalid_request" });
  });

  test("frames are taken in order", async () => {
    const one = await client().opened();
    for (let n = 0; n < 300; n += 1)
      one.send({ id: n, event: "session:message", data: { sessionId: id, content: `${n}`, messageId: `m${n}` } });
    await one.next((frame) => frame.ack === 299);
    expect((await serving.sessions.state(principal, id)).queue.map((message) => message.content)).toEqual(
      Array.from({ length: 300 }, (_, n) => `${n}`),
    );
  });
});

describe("bad frames", () => {
  test.each([
    ["not JSON", "{"],
    ["a number", "5"],
    ["null", "null"],
    ["an array", "[]"],
    ["no event", "{}"],
    ["an unknown event", { event: "session:destroy", data: {} }],
    ["a join without data", { event: "session:join" }],
    ["a join of an object", { event: "session:join", data: { sessionId: {} } }],
    ["an unknown field", { event: "ping", extra: 1 }],
    ["a cursor below 0", { event: "session:join", data: { sessionId: "s1", after: -1 } }],
    ["a prototype", '{"event":"ping","__proto__":{"a":1}}'],
    ["an empty message", { event: "session:message", data: { sessionId: "s1", content: "" } }],
  ])("%s: an error, and the connection stays", async (_, frame) => {
    const one = await client().opened();
    one.send(frame);
    expect(await one.next(() => true)).toMatchObject({ event: "error", data: { code: "invalid_request" } });
    if (typeof frame === "object") {
      one.send({ ...frame, id: "x" });
      expect(await one.next((found) => found.ack === "x")).toMatchObject({
        data: { success: false, error: "invalid_request" },
      });
    }
    expect(await one.ask("ping")).toEqual({ success: true });
  });

  test("binary closes with 1003, too large with 1009, bad UTF-8 with 1007", async () => {
    const binary = await client().opened();
    binary.webSocket.send(Buffer.from("{}"));
    expect(await binary.closed).toBe(1003);
    const large = await client().opened();
    large.webSocket.send("x".repeat(1024 * 1024 + 1));
    expect(await large.closed).toBe(1009);
    const text = await client().opened();
    text.webSocket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect(await text.closed).toBe(1007);
  });

  test("an internal fault shows nothing of itself", async () => {
    const one = await client().opened();
    serving.sessions.failNext = new Error("secret detail");
    expect(await one.ask("session:join", { sessionId: id })).toEqual({
      success: false,
      error: "internal",
      message: "See the server's log.",
    });
  });

  test("a message over its limit", async () => {
    await serving.stop();
    await start({ webSocket: { limits: { messageBytes: 3 } } });
    const one = await client().opened();
    expect(await one.ask("session:message", { sessionId: id, content: "éé" })).toMatchObject({
      error: "payload_too_large",
    });
  });
});

describe("slow, dead and closing", () => {
  test("a stalled client costs its buffer, disturbs nobody, and gets everything later", async () => {
    await serving.stop();
    await start({ webSocket: { bufferBytes: 200_000 } });
    const slow = await client().opened();
    const quick = await client().opened();
    await slow.ask("session:join", { sessionId: id });
    await quick.ask("session:join", { sessionId: id });
    slow.webSocket.pause();
    const text = "x".repeat(50_000);
    append(Array.from({ length: 800 }, () => text));
    await quick.next((frame) => frame.seq === 802);
    const pulledBySlow = serving.sessions.pulled - 802;
    expect(pulledBySlow).toBeLessThan(500);
    slow.webSocket.resume();
    await slow.next((frame) => frame.seq === 802);
    expect(slow.seqs()).toEqual(Array.from({ length: 802 }, (_, n) => n + 1));
  });

  test("a client that answers no ping is ended; one that does stays", async () => {
    await serving.stop();
    await start({ webSocket: { heartbeatMs: 40 } });
    const dead = await client("/ws", { headers: { "x-api-key": KEY }, autoPong: false }).opened();
    const alive = await client().opened();
    expect(await dead.closed).toBe(1006);
    expect(await alive.ask("ping")).toEqual({ success: true });
  });

  test("closing says 1001, cuts off who does not answer, and refuses newcomers", async () => {
    const one = await client().opened();
    await one.ask("session:join", { sessionId: id });
    const mute = await client().opened();
    mute.webSocket.pause();
    await serving.restart();
    expect(await one.closed).toBe(1001);
    mute.webSocket.resume();
    await mute.closed;
    expect(serving.sessions.following).toBe(0);
    await client().opened();
  });

  test("a client that is cut off leaves nothing behind", async () => {
    const one = await client().opened();
    await one.ask("session:join", { sessionId: id });
    await one.ask("sessions:watch");
    append(["a"]);
    one.webSocket.terminate();
    await vi.waitFor(() => expect([serving.sessions.following, serving.sessions.watchers]).toEqual([0, 0]));
  });
});
