import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { openHostDoor, type HostDoor } from "./host-door.ts";

let gateway: Server;
let door: HostDoor;
const seen: string[] = [];

async function open(listener: RequestListener): Promise<void> {
  seen.length = 0;
  gateway = createServer((request, response) => {
    seen.push([request.method, request.url, request.headers["x-key"]].join(" ").trim());
    listener(request, response);
  }).listen(0, "127.0.0.1");
  await once(gateway, "listening");
  const { port } = gateway.address() as AddressInfo;
  door = await openHostDoor(`http://127.0.0.1:${port}/token/T/hosts`, "api.example.com:8443");
}
afterEach(() => {
  door.close();
  gateway.closeAllConnections();
  gateway.close();
});

test("every path is one of the host, with headers and body; the gateway's own redirects are followed as they are", async () => {
  await open((request, response) => {
    if (request.url?.endsWith("/old") === true)
      response.writeHead(307, { location: "/token/T/hosts/other.example.com/new?a=1" }).end();
    else request.pipe(response.writeHead(201, { "x-answer": "yes" }));
  });
  const answer = await fetch(`${door.url}/mcp?x=1`, { method: "POST", body: "said", headers: { "x-key": "stand-in" } });
  expect([answer.status, answer.headers.get("x-answer"), await answer.text()]).toEqual([201, "yes", "said"]);
  await fetch(`${door.url}/old`);
  expect(seen).toEqual([
    "POST /token/T/hosts/api.example.com:8443/mcp?x=1 stand-in",
    "GET /token/T/hosts/api.example.com:8443/old",
    "GET /token/T/hosts/other.example.com/new?a=1",
  ]);
});

test("an answer streams; who leaves ends it at the gateway", async () => {
  const left = Promise.withResolvers<void>();
  await open((_request, response) => {
    response.writeHead(200).write("first");
    response.on("close", () => left.resolve());
  });
  const leave = new AbortController();
  const answer = await fetch(`${door.url}/events`, { signal: leave.signal });
  const first = await answer.body?.getReader().read();
  expect(new TextDecoder().decode(first?.value as Uint8Array)).toBe("first");
  leave.abort();
  await left.promise;
});

test("without a gateway the answer is 502 and says so", async () => {
  await open((_request, response) => response.end());
  gateway.close();
  await once(gateway, "close");
  const answer = await fetch(`${door.url}/`);
  expect(answer.status).toBe(502);
  expect(await answer.text()).toMatch(/^The gateway cannot be reached: .*ECONNREFUSED/);
});
