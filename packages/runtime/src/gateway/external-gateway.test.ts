import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, request, type IncomingMessage } from "node:http";
import { connect, createServer as createNetServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duplexPair, type Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { RuntimeError, secretPlaceholder } from "@hhopkins/agent-runtime-protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createExternalGateway, type ExternalGatewayOptions } from "./external-gateway.ts";
import { serveGateway, type GatewayServer } from "./gateway-server.ts";
import type { ModelGateway } from "./port.ts";

const identity = { session: { tenant: "default", sessionId: "s1" }, generation: 1, token: "art_token" };
const closing: (() => Promise<unknown>)[] = [];
let dataDir: string;
let sockets: string;
const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "gateway-data-"));
  sockets = await mkdtemp(join(tmpdir(), "gateway-box-"));
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  for (const folder of [dataDir, sockets]) await rm(folder, { recursive: true, force: true });
});

/** A model that says "first", and "second" when it is told to. */
async function slowModel(): Promise<{ baseUrl: string; finish(): void }> {
  const told = Promise.withResolvers<void>();
  const server = createServer((incoming, response) => {
    incoming.resume();
    response.write("first ");
    void told.promise.then(() => response.end("second"));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(async () => server.close());
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, finish: () => told.resolve() };
}

async function startGateway(baseUrl: string, sweepMs = 5_000, folder = dataDir): Promise<GatewayServer> {
  const gateway = await serveGateway({ dataDir: folder, credentials: () => ({ baseUrl, apiKey: "real" }), sweepMs });
  closing.push(() => gateway.close());
  return gateway;
}

async function server(options: Partial<ExternalGatewayOptions> = {}): Promise<ModelGateway> {
  const gateway = createExternalGateway({ dataDir, log, ...options });
  closing.push(() => gateway.close());
  await gateway.open?.();
  return gateway;
}

const sandbox = () => ({ sockets, accept: () => Promise.reject(new Error("the server listens to nothing")) });

/** What the bridge in a sandbox does. */
async function ask(): Promise<IncomingMessage> {
  const call = request({
    socketPath: join(sockets, "gateway.sock"),
    path: "/v1/messages",
    method: "POST",
    headers: { "x-api-key": identity.token },
  });
  call.end("{}");
  const [answer] = (await once(call, "response")) as [IncomingMessage];
  return answer;
}

async function askUntilServed(): Promise<IncomingMessage> {
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("an answer goes on while servers come and go, and a new one says the same again", async () => {
  const { baseUrl, finish } = await slowModel();
  await startGateway(baseUrl);
  const first = await server();
  const served = await first.serve(sandbox(), identity);
  const answer = await ask();
  await once(answer, "readable");
  await served.close();
  await first.close();
  await (await server()).serve(sandbox(), identity);
  finish();
  expect(await text(answer)).toBe("first second");
  expect((await ask()).statusCode).toBe(200);
});

test("a gateway that was away is told again which sandboxes there are", async () => {
  const { baseUrl, finish } = await slowModel();
  finish();
  const gateway = await startGateway(baseUrl);
  await (await server()).serve(sandbox(), identity);
  await gateway.close();
  await expect(ask()).rejects.toThrow();
  await startGateway(baseUrl);
  expect(await text(await askUntilServed())).toBe("first second");
});

test("a sandbox that another node takes over is served by that node's gateway; an answer that streams goes on", async () => {
  const other = await mkdtemp(join(tmpdir(), "gateway-data-"));
  closing.push(() => rm(other, { recursive: true, force: true }));
  const [before, after] = [await slowModel(), await slowModel()];
  await startGateway(before.baseUrl);
  await startGateway(after.baseUrl, 5_000, other);
  const first = await server();
  expect(first.outlivesServer).toBe(true);
  const lost = await first.serve(sandbox(), identity);
  const streaming = await ask();
  await once(streaming, "readable");
  const taken = await (await server({ dataDir: other })).serve(sandbox(), identity);
  const next = await ask();
  await once(next, "readable");
  // It wakes, and lets go of what is not its own any more.
  await lost.close();
  await first.close();
  after.finish();
  expect(await text(next)).toBe("first second");
  expect(await text(await ask())).toBe("first second");
  before.finish();
  expect(await text(streaming)).toBe("first second");
  await taken.revoke();
});

test("the folder of a gateway that was killed goes when the next one starts; what is not a gateway's stays", async () => {
  const [left, other] = await Promise.all(["agent-gateway-", "other-"].map((name) => mkdtemp(join(dataDir, name))));
  const note = (folder = ""): string => {
    const [socket, streams] = [join(folder, "control.sock"), join(folder, "streams.sock")];
    return JSON.stringify({ pid: 1, startedAt: "", socket, streams });
  };
  for (const text of [note(left), note(other), "no note"]) {
    await writeFile(join(dataDir, "gateway.json"), text);
    await (await serveGateway({ dataDir, credentials: () => ({ baseUrl: "http://127.0.0.1:1", apiKey: "" }) })).close();
  }
  expect([left, other].map((folder) => existsSync(folder ?? ""))).toEqual([false, true]);
});

test("a refused credential is told to the server", async () => {
  const refusing = createServer(
    (incoming, response) => void incoming.resume().on("end", () => response.writeHead(401).end()),
  ).listen(0, "127.0.0.1");
  await once(refusing, "listening");
  closing.push(async () => refusing.close());
  await startGateway(`http://127.0.0.1:${(refusing.address() as AddressInfo).port}`);
  const told = Promise.withResolvers<unknown>();
  const gateway = await server({ onAuthFailure: (...failure) => told.resolve(failure) });
  await gateway.serve(sandbox(), identity);
  expect((await ask()).statusCode).toBe(401);
  expect(await told.promise).toEqual([identity, 401]);
});

const usage = { inputTokens: 5, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0, thinkingTokens: 0 };

/** A model whose answers cost something. */
async function costlyModel(): Promise<string> {
  const body = JSON.stringify({ model: "m", usage: { input_tokens: 5, output_tokens: 2 } });
  const model = createServer((incoming, response) => {
    incoming.resume().on("end", () => response.writeHead(200, { "content-type": "application/json" }).end(body));
  }).listen(0, "127.0.0.1");
  await once(model, "listening");
  closing.push(async () => model.close());
  return `http://127.0.0.1:${(model.address() as AddressInfo).port}`;
}

test("what is used is told to the server, and what was used while none was there to the next one", async () => {
  await startGateway(await costlyModel());
  const onUse = vi.fn();
  const first = await server({ onUse });
  await first.serve(sandbox(), identity);
  await text(await ask());
  const one = { requests: 1, usage: { ...usage, totalTokens: 7 }, model: "m" };
  await expect.poll(() => onUse.mock.calls).toEqual([[identity, one]]);
  await first.close();
  // The gateway notices that it has gone with the next thing that it tells, or before.
  for (let round = 0; round < 3; round++) await text(await ask());
  const next = vi.fn();
  await (await server({ onUse: next })).serve(sandbox(), identity);
  await expect.poll(() => next.mock.calls.map(([, use]) => (use as { requests: number }).requests)).toEqual([3]);
});

test("rules go along: allowed hosts, refusals, secrets; a server gets what its sandboxes reached", async () => {
  const far = createNetServer((socket) => socket.end("reached")).listen(0, "127.0.0.1");
  await once(far, "listening");
  closing.push(async () => far.close());
  const { port } = far.address() as AddressInfo;
  await startGateway("http://127.0.0.1:1");
  const onEgress = vi.fn();
  const gateway = await server({ onEgress });
  const rules = { allowedHosts: [`127.0.0.1:${port}`], secrets: [{ secret: "S", hosts: ["api.example.com"] }] };
  await gateway.serve(sandbox(), identity, rules);
  const tunnel = async (place: string): Promise<string> => {
    const socket = connect(join(sockets, "gateway.sock"));
    const login = Buffer.from(`sandbox:${identity.token}`).toString("base64");
    socket.write(`CONNECT ${place} HTTP/1.1\r\nhost: x\r\nproxy-authorization: Basic ${login}\r\n\r\n`);
    return text(socket);
  };
  expect(await tunnel(`127.0.0.1:${port}`)).toMatch(/^HTTP\/1\.1 200 [^]*reached$/);
  expect(await tunnel("127.0.0.1:1")).toMatch(/^HTTP\/1\.1 403 /);
  await expect
    .poll(() => onEgress.mock.calls)
    .toMatchObject([
      [identity, { host: "127.0.0.1", port, allowed: true, bytesReceived: 7 }],
      [identity, { port: 1, allowed: false, reason: expect.stringContaining("--allowed-hosts") }],
    ]);
});

test("a secret's value is asked for in the gateway's own process", async () => {
  const asked = Promise.withResolvers<unknown[]>();
  const process = await serveGateway({
    dataDir,
    credentials: () => ({ baseUrl: "http://127.0.0.1:1" }),
    secrets: (...what) => {
      asked.resolve(what);
      return undefined;
    },
  });
  closing.push(() => process.close());
  const secrets = [{ secret: "GITHUB", hosts: ["127.0.0.1:9"] }];
  await (await server()).serve(sandbox(), identity, { allowedHosts: [], secrets });
  const headers = { "x-agent-runtime-token": identity.token, "x-key": secretPlaceholder("GITHUB") };
  const call = request({ socketPath: join(sockets, "gateway.sock"), path: "/hosts/127.0.0.1:9/", headers }).end();
  const [answer] = (await once(call, "response")) as [IncomingMessage];
  expect([answer.statusCode, await text(answer)]).toEqual([502, expect.stringContaining("has no value")]);
  expect(await asked.promise).toEqual([identity.session, "GITHUB"]);
});

test("with its sandbox ends a token at once, and what streams; letting go ends nothing", async () => {
  const { baseUrl } = await slowModel();
  await startGateway(baseUrl);
  const gateway = await server();
  const served = await gateway.serve(sandbox(), identity);
  const answer = await ask();
  await once(answer, "readable");
  const broken = text(answer);
  await served.revoke();
  await expect(broken).rejects.toThrow();
  await expect
    .poll(async () =>
      ask().then(
        () => "served",
        () => "nobody",
      ),
    )
    .toBe("nobody");
});

test("a list of hosts with a wrong line is said", async () => {
  await startGateway("http://127.0.0.1:1");
  const gateway = await server();
  const wrong = gateway.serve(sandbox(), identity, { allowedHosts: ["https://x"], secrets: [] });
  await expect(wrong).rejects.toThrow("https://x");
});

test("without a gateway the start is refused, with the remedy", async () => {
  const refused = server({ openMs: 1 });
  await expect(refused).rejects.toThrow(RuntimeError);
  await expect(refused).rejects.toThrow(`agent-runtime gateway --data-dir ${dataDir}`);
});

test("a folder that cannot be served is said; one that is gone is let go", async () => {
  await startGateway("http://127.0.0.1:1", 10);
  const gateway = await server();
  const missing = { ...sandbox(), sockets: join(sockets, "missing") };
  await expect(gateway.serve(missing, identity)).rejects.toMatchObject({ code: "unavailable" });
  await gateway.serve(sandbox(), identity);
  const stream = connect(join(sockets, "gateway.sock"));
  await once(stream, "connect");
  await rm(sockets, { recursive: true });
  await once(stream.resume(), "close");
});

test("sandboxes elsewhere reach it by HTTP, by their token alone, until they have ended", async () => {
  const { baseUrl, finish } = await slowModel();
  finish();
  const process = await serveGateway({
    dataDir,
    credentials: () => ({ baseUrl, apiKey: "real" }),
    listen: { host: "127.0.0.1", port: 0 },
  });
  closing.push(() => process.close());
  const gateway = await server();
  const served = await gateway.serve({ accept: async () => ({ close: async () => {} }) }, identity);
  const post = async (token: string, path = "/gateway/v1/messages"): Promise<unknown[]> => {
    const url = `${new URL(process.url ?? "").origin}${path}`;
    const answer = await fetch(url, { method: "POST", headers: { "x-api-key": token }, body: "{}" });
    return [answer.status, await answer.text()];
  };
  expect(await post(identity.token)).toEqual([200, "first second"]);
  expect(await post("art_other")).toEqual([401, expect.any(String)]);
  expect(await post(identity.token, "/v1/messages")).toEqual([404, expect.any(String)]);
  await served.revoke();
  await expect.poll(async () => (await post(identity.token))[0]).toBe(401);
});

test("a port that is taken is said as that", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  closing.push(async () => taken.close());
  const { port } = taken.address() as AddressInfo;
  const refused = serveGateway({
    dataDir,
    credentials: () => ({ baseUrl: "http://127.0.0.1:1" }),
    listen: { host: "127.0.0.1", port },
  });
  await expect(refused).rejects.toMatchObject({ code: "port_in_use" });
});

test("streams of a sandbox on another host are passed on, and end with it", async () => {
  const { baseUrl, finish } = await slowModel();
  await startGateway(baseUrl);
  const gateway = await server();
  const given = Promise.withResolvers<(stream: Duplex) => void>();
  const elsewhere = {
    accept: async (_channel: "runner" | "gateway", onStream: (stream: Duplex) => void) => {
      given.resolve(onStream);
      return { close: async () => {} };
    },
  };
  const served = await gateway.serve(elsewhere, identity);
  const open = await given.promise;
  const asked = (token: string): Promise<string> => {
    const [ours, theirs] = duplexPair();
    open(theirs);
    ours.write(`GET /v1/models HTTP/1.1\r\nhost: x\r\nx-api-key: ${token}\r\nconnection: close\r\n\r\n`);
    return text(ours);
  };
  finish();
  expect(await asked(identity.token)).toMatch(/ 200 OK\r\n[^]*first [^]*second/);
  expect(await asked("art_other")).toMatch(/ 401 /);
  await served.revoke();
  await expect.poll(async () => asked(identity.token).catch(() => "")).toBe("");
});
