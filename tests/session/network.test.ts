import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { script } from "@hhopkins/agent-runtime-testkit";
import type { SessionState } from "@hhopkins/agent-runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";

// Addresses of loopback that are no sandbox's own loopback by name: tools send them to the proxy.
const WEB = "127.0.0.2";

let port: number;
let server: RuntimeUnderTest;
let sessionId: string;
const web = createServer((_request, response) => response.end("reached the web\n"));

beforeAll(async () => {
  web.listen(0, WEB);
  await once(web, "listening");
  port = (web.address() as AddressInfo).port;
  const allowedHosts = [`${WEB}:${port}`];
  server = await startRuntime({
    network: ({ tenant }) => ({ allowedHosts: tenant === "default" ? allowedHosts : [] }),
  });
  sessionId = await server.create();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  web.close();
});

/** What a command of the agent says, in its sandbox. */
async function run(command: string): Promise<string> {
  const input = { command: `{ ${command} ; } 2>&1; echo "exit $?"`, description: "Run" };
  const state = await server.turn(sessionId, script([{ tools: [{ name: "Bash", input }] }, { text: "done" }]));
  return lastResult(state);
}

function lastResult(state: SessionState): string {
  const result = state.blocks.findLast((block) => block.type === "tool_result");
  return typeof result?.content === "string" ? result.content : JSON.stringify(result?.content);
}

test("an allowed host is reached by tools that know proxies: curl, and Node's fetch; a tunnel too", async () => {
  const fetched = `node -e 'fetch("http://${WEB}:${port}/").then((r) => r.text()).then(console.log)'`;
  const tunnel = `curl -s -p -x "$HTTPS_PROXY" http://${WEB}:${port}/`;
  const said = await run(`curl -s http://${WEB}:${port}/; ${fetched}; ${tunnel}`);
  expect(said.match(/reached the web/g)).toHaveLength(3);
});

test("another host is refused in words that the agent reads, with the remedy", async () => {
  const said = await run(`curl -s http://example.com/; curl -sv https://example.com/`);
  expect(said).toContain("example.com:80 is not on the list of hosts that this sandbox may reach");
  expect(said).toContain("can add example.com to its allowed hosts (--allowed-hosts");
  expect(said).toMatch(/exit [1-9]/);
});

test("who ignores the proxy has no network, and names have no addresses", async () => {
  const direct = `curl -s --max-time 10 --noproxy '*' http://${WEB}:${port}/`;
  const raw = `node -e 'require("net").connect(${port}, "${WEB}").on("error", (e) => console.log("raw", e.code)).on("connect", () => console.log("CONNECTED"))'`;
  const dns = `node -e 'require("dns").lookup("example.com", (e) => console.log("lookup", e ? e.code : "NAMED"))'`;
  const udp = `node -e 'require("dns").setServers(["${WEB}"]); require("dns").resolve4("example.com", (e) => console.log("resolve", e ? e.code : "NAMED"))'`;
  const said = await run(`${direct}; echo "curl $?"; ${raw}; ${dns}; ${udp}`);
  expect(said).toMatch(/curl [1-9]/);
  expect(said).toMatch(/raw E/);
  expect(said).toMatch(/lookup E/);
  expect(said).toMatch(/resolve E/);
  expect(said).not.toMatch(/reached|CONNECTED|NAMED/);
});

test("what was reached and refused can be read, by whose session it is, and stands in the server's log", async () => {
  const response = await server.request("GET", `/sessions/${sessionId}/network`);
  const body = (await response.json()) as { allowedHosts: string[]; places: object[] };
  expect(body.allowedHosts).toEqual([`${WEB}:${port}`]);
  expect(body.places).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ host: WEB, port, way: "http", allowed: true, requests: expect.any(Number) }),
      expect.objectContaining({ host: WEB, port, way: "connect", allowed: true }),
      expect.objectContaining({ host: "example.com", port: 443, way: "connect", allowed: false }),
    ]),
  );
  const logged = server.logs.filter(({ message }) => message === "egress refused");
  expect(logged).toEqual(expect.arrayContaining([expect.objectContaining({ level: "info" })]));
  expect((await server.request("GET", "/sessions/none/network")).status).toBe(404);
});

test("what the gateway counted stands beside the harness's own figures", async () => {
  const { sessionMetadata } = await server.state(sessionId);
  expect(sessionMetadata.gateway?.requests).toBeGreaterThan(0);
  expect(sessionMetadata.gateway?.usage.totalTokens).toBeGreaterThanOrEqual(sessionMetadata.usage.totalTokens);
});
