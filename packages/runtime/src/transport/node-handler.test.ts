import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createRestApp } from "./rest/app.ts";
import { MemorySessions } from "./testing/memory-sessions.ts";
import { KEY, serve, twoTenants, type Serving } from "./testing/serving.ts";

let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

const creation = JSON.stringify({ agentProfileRef: "default", architecture: "claude-agent-sdk" });
const headers = { "x-api-key": KEY, "content-type": "application/json" };

async function serving(options: Parameters<typeof serve>[0] = {}): Promise<Serving> {
  const started = await serve(options);
  stop = () => started.stop();
  return started;
}

/** Sends bytes as they are and answers the status line. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(bytes);
  let answer = "";
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
  socket.on("error", () => {});
  await once(socket, "close");
  return answer.split("\r\n")[0] ?? "";
}

test("bodies over the limit are refused while they come, and the server lives", async () => {
  const { url } = await serving({ rest: { limits: { bodyBytes: 100_000 } } });
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(50_000).fill(32)),
  });
  const sent = fetch(`${url}/sessions/create`, { method: "POST", headers, body, duplex: "half" } as RequestInit);
  const outcome = await sent.then((response) => response.status).catch(() => "cut");
  expect([413, "cut"]).toContain(outcome);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect((await fetch(`${url}/sessions/create`, { method: "POST", headers, body: creation })).status).toBe(201);
});

test("hosts, addresses and broken requests that are none", async () => {
  const { port, url } = await serving();
  expect(await raw(port, "GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n")).toContain("400");
  expect(await raw(port, "GET http://[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).toContain("400");
  expect(await raw(port, "GARBAGE\r\n\r\n")).toContain("400");
  expect((await fetch(`${url}/health`)).status).toBe(200);
});

/** The way in which the founding document's example serves a fetch-style app: whole bodies, no abort signal. */
async function bridged(fetchApp: (request: Request) => Response | Promise<Response>): Promise<string> {
  const bodyOf = async (request: IncomingMessage): Promise<string> => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    return body;
  };
  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const hasBody = req.method !== "GET" && req.method !== "HEAD";
    const response = await fetchApp(
      new Request(`http://${req.headers.host}${req.url}`, {
        method: req.method ?? "GET",
        headers: req.headers as Record<string, string>,
        ...(hasBody ? { body: await bodyOf(req) } : {}),
      }),
    );
    res.statusCode = response.status;
    response.headers.forEach((value, key) => res.setHeader(key, value));
    res.end(await response.text());
  };
  const server = createServer((req, res) => void answer(req, res));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("all six routes work through a buffering bridge, and the event stream's tail", async () => {
  const app = createRestApp({ service: new MemorySessions(), authenticate: twoTenants });
  const url = await bridged((request) => app.fetch(request));
  const made = await fetch(`${url}/sessions/create`, { method: "POST", headers, body: creation });
  const { sessionId } = (await made.json()) as { sessionId: string };
  const sent = await fetch(`${url}/sessions/${sessionId}/message`, {
    method: "POST",
    headers,
    body: '{"content":"hé"}',
  });
  const statuses = [made.status, sent.status];
  for (const path of [`/sessions/${sessionId}`, "/sessions", "/agent-profiles", "/health"]) {
    statuses.push((await fetch(url + path, { headers })).status);
  }
  expect(statuses).toEqual([201, 202, 200, 200, 200, 200]);
  expect((await fetch(`${url}/sessions/${sessionId}/interrupt`, { method: "POST", headers })).status).toBe(204);
  const events = await (await fetch(`${url}/sessions/${sessionId}/events?follow=false`, { headers })).text();
  expect(events).toContain("session:message:queued");
  expect((await fetch(`${url}/sessions`, {})).status).toBe(401);
});
