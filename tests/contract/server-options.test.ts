import { once } from "node:events";
import { expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { emptyProvider } from "./providers.ts";
import { KEY, runningServer } from "./running-server.ts";

// The transports' own tests say what each option does in full; here each is given to the runtime and has to arrive.

const WAIT = { timeout: 30_000, interval: 5 };
const config = { sandbox: emptyProvider(() => new Promise(() => undefined)), sandboxStartTimeoutMs: 10 };
const headers = { "x-api-key": KEY };

async function connected(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { headers });
  await once(socket, "open");
  return socket;
}

test("createRestServer: apiKey, limits, corsOrigins, heartbeatMs, streamMs", async () => {
  const rest = {
    limits: { bodyBytes: 500, messageBytes: 20 },
    corsOrigins: ["https://app.example"],
    heartbeatMs: 5,
    streamMs: 150,
  };
  await using server = await runningServer({ config, rest });
  expect((await fetch(`${server.url}/sessions`)).status).toBe(401);
  const sessionId = await server.create();
  expect((await server.send(sessionId, "x".repeat(21))).status).toBe(413);
  expect((await server.call("POST", "/sessions/create", { name: "x".repeat(500) })).status).toBe(413);
  const page = await server.call("GET", "/sessions", undefined, { origin: "https://app.example" });
  expect(page.headers.get("access-control-allow-origin")).toBe("https://app.example");
  const stream = await server.call("GET", `/sessions/${sessionId}/events`);
  expect(stream.json).toContain(": still here");
});

test("createWebSocketServer: paths, limits, allowedOrigins", async () => {
  const webSocket = { paths: ["/live"], limits: { frameBytes: 100 }, allowedOrigins: ["https://app.example"] };
  await using server = await runningServer({ config, webSocket });
  const live = server.wsUrl.replace("/ws", "/live");
  await expect(connected(server.wsUrl)).rejects.toThrow("404");
  const foreign = new WebSocket(live, { headers, origin: "https://evil.example" });
  await expect(once(foreign, "open")).rejects.toThrow("403");
  const socket = await connected(live);
  socket.send("x".repeat(101));
  expect((await once(socket, "close"))[0]).toBe(1009);
});

test("createWebSocketServer: heartbeatMs ends a dead client", async () => {
  await using server = await runningServer({ config, webSocket: { heartbeatMs: 20 } });
  const dead = new WebSocket(server.wsUrl, { headers, autoPong: false });
  await once(dead, "open");
  expect((await once(dead, "close"))[0]).toBe(1006);
});

test("createWebSocketServer: closeMs bounds the wait for who does not answer a close", async () => {
  await using patient = await runningServer({ config, webSocket: { closeMs: 600_000 } });
  await using hasty = await runningServer({ config, webSocket: { closeMs: 1 } });
  const mute = await Promise.all([patient, hasty].map(({ wsUrl }) => connected(wsUrl)));
  for (const socket of mute) socket.pause();
  const closed: string[] = [];
  const patiently = patient.closeLive().then(() => closed.push("patient"));
  await hasty.closeLive().then(() => closed.push("hasty"));
  expect(closed).toEqual(["hasty"]);
  for (const socket of mute) socket.resume();
  await patiently;
});

test("createWebSocketServer: bufferBytes bounds what waits for a client that does not read, and it gets all of it later", async () => {
  await using server = await runningServer({ config, webSocket: { bufferBytes: 1000 }, rest: {} });
  const sessionId = await server.create();
  for (let n = 0; n < 50; n += 1) await server.call("PATCH", `/sessions/${sessionId}/options`, { model: `m${n}` });
  const socket = await connected(server.wsUrl);
  const seqs: number[] = [];
  socket.on("message", (data: Buffer) => {
    const { seq } = JSON.parse(data.toString("utf8")) as { seq?: number };
    if (seq !== undefined) seqs.push(seq);
  });
  socket.send(JSON.stringify({ event: "session:join", data: { sessionId } }));
  const { lastSeq } = await server.state(sessionId);
  await vi.waitUntil(() => seqs.length === lastSeq, WAIT);
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  socket.terminate();
});

test('auth: "none" serves everybody but pages of other origins', async () => {
  await using server = await runningServer({ config: { ...config, auth: "none" }, rest: { apiKey: "" } });
  expect((await fetch(`${server.url}/sessions`)).status).toBe(200);
  const foreign = new WebSocket(server.wsUrl, { origin: "https://evil.example" });
  await expect(once(foreign, "open")).rejects.toThrow("403");
  const own = new WebSocket(server.wsUrl, { origin: server.url });
  await once(own, "open");
  own.close();
});
