import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { connect, createServer as createNetServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { duplexPair } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { createGateway, credentialsFromEnvironment } from "./index.ts";
import type { GatewayOptions } from "./index.ts";
import type { GatewayIdentity } from "./port.ts";

const REAL_KEY = "sk-real-key";
const identity: GatewayIdentity = {
  session: { tenant: "default", sessionId: "s1" },
  generation: 1,
  token: "art_token",
};
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    if ("closeAllConnections" in server) (server as ReturnType<typeof createServer>).closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A model, as an HTTP server. */
async function model(listener: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(listener))}`;
}

interface Ways {
  readonly port: number;
  readonly refusals: number[];
  readonly logged: string[];
}

/** A gateway behind a port: each connection is a stream that the sandbox opens. */
async function gatewayTo(baseUrl: string, more: Partial<GatewayOptions> = {}): Promise<Ways> {
  const refusals: number[] = [];
  const logged: string[] = [];
  const gateway = createGateway({
    credentials: () => ({ baseUrl, apiKey: REAL_KEY, headers: { "X-Extra": "1" } }),
    log: { debug: (detail, message) => logged.push(JSON.stringify({ ...detail, message })) },
    onAuthFailure: (who, status) => {
      if (who === identity) refusals.push(status);
      throw new Error("a listener's own mistake");
    },
    ...more,
  });
  const port = await listen(createNetServer(gateway.register(identity).handle));
  closing.push(() => gateway.close());
  return { port, refusals, logged };
}

interface Call {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

async function call(
  port: number,
  { path = "/v1/messages", method = "POST", headers, body }: Call = {},
): Promise<IncomingMessage> {
  const request = httpRequest({
    port,
    host: "127.0.0.1",
    path,
    method,
    headers: { "x-api-key": identity.token, ...headers },
  });
  request.on("error", () => undefined);
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

test("a request goes on with the real key in place of the token, and its answer comes back", async () => {
  const seen: { headers: IncomingMessage["headers"]; url?: string | undefined; body: string }[] = [];
  const baseUrl = await model((request, response) => {
    void text(request).then((body) => seen.push({ headers: request.headers, url: request.url, body }));
    response.writeHead(201, {
      "content-type": "application/json",
      "set-cookie": "a=b",
      "request-id": "r1",
      connection: "x-hop",
      "x-hop": "1",
    });
    request.once("end", () => response.end('{"ok":true}'));
  });
  const { port, logged } = await gatewayTo(`${baseUrl}/prefix/`);
  const answer = await call(port, {
    path: "/v1/messages?beta=true",
    headers: {
      "anthropic-version": "2023-06-01",
      cookie: "c=d",
      connection: "keep-alive, x-private",
      "x-private": "1",
    },
    body: '{"model":"secret-content"}',
  });
  expect([answer.statusCode, await text(answer)]).toEqual([201, '{"ok":true}']);
  expect(answer.headers).toMatchObject({ "content-type": "application/json", "request-id": "r1" });
  expect(answer.headers).not.toHaveProperty("set-cookie");
  expect(answer.headers).not.toHaveProperty("x-hop");
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatchObject({ url: "/prefix/v1/messages?beta=true", body: '{"model":"secret-content"}' });
  expect(seen[0]!.headers).toMatchObject({
    "x-api-key": REAL_KEY,
    "x-extra": "1",
    "anthropic-version": "2023-06-01",
    host: baseUrl.slice(7),
  });
  for (const name of ["cookie", "x-private", "authorization"]) expect(seen[0]!.headers).not.toHaveProperty(name);
  expect(JSON.stringify(seen)).not.toContain(identity.token);
  await expect.poll(() => logged.length).toBe(1);
  expect(JSON.parse(logged[0]!)).toMatchObject({
    sessionId: "s1",
    method: "POST",
    path: "/v1/messages",
    status: 201,
    requestBytes: 26,
  });
  expect(logged[0]).not.toMatch(/sk-real|art_token|secret-content/);
});

test("an auth token goes as a bearer, and the sandbox may show its own token as one too", async () => {
  const baseUrl = await model((request, response) => response.end(JSON.stringify(request.headers)));
  const { port } = await gatewayTo(baseUrl, { credentials: () => ({ baseUrl, authToken: "oat-real" }) });
  const answer = await call(port, {
    headers: { "x-api-key": [], authorization: `Bearer ${identity.token}` },
  });
  const headers = JSON.parse(await text(answer)) as Record<string, string>;
  expect(headers["authorization"]).toBe("Bearer oat-real");
  expect(headers).not.toHaveProperty("x-api-key");
});

test("only the sandbox's token, only /v1/, only three methods", async () => {
  let reached = 0;
  const baseUrl = await model((_request, response) => {
    reached += 1;
    response.end("{}");
  });
  const { port, refusals } = await gatewayTo(baseUrl);
  const error = async (one: Call): Promise<unknown> => {
    const answer = await call(port, one);
    return [answer.statusCode, (JSON.parse(await text(answer)) as { error: { type: string } }).error.type];
  };
  expect(await error({ headers: { "x-api-key": "another" } })).toEqual([401, "authentication_error"]);
  expect(await error({ headers: { "x-api-key": [] } })).toEqual([401, "authentication_error"]);
  expect(await error({ path: "/v2/messages" })).toEqual([404, "not_found_error"]);
  expect(await error({ path: "/v1/../admin" })).toEqual([404, "not_found_error"]);
  expect(await error({ path: "/v1/%2e%2E/admin" })).toEqual([404, "not_found_error"]);
  expect(await error({ method: "DELETE" })).toEqual([405, "invalid_request_error"]);
  expect((await call(port, { method: "HEAD", path: "/" })).statusCode).toBe(200);
  expect([reached, refusals]).toEqual([0, []]);
});

test("an answer streams: each part is here before the next is sent", async () => {
  let model$: ServerResponse | undefined;
  const baseUrl = await model((_request, response) => {
    model$ = response;
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
  });
  const { port } = await gatewayTo(baseUrl);
  const answer = await call(port);
  expect(answer.headers["content-type"]).toBe("text/event-stream");
  const parts = answer[Symbol.asyncIterator]();
  for (const part of ["event: one\n\n", "event: two\n\n"]) {
    model$!.write(part);
    expect(String((await parts.next()).value)).toBe(part);
  }
  model$!.end();
  expect((await parts.next()).done).toBe(true);
});

test("a request streams, too, and bytes of any kind come through", async () => {
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256));
  const baseUrl = await model((request, response) => request.pipe(response));
  const { port } = await gatewayTo(baseUrl);
  const answer = await call(port, { body: sent });
  expect((await buffer(answer)).equals(sent)).toBe(true);
});

test("a sandbox that does not read holds the model back", async () => {
  let written = 0;
  const baseUrl = await model((_request, response) => {
    const chunk = Buffer.alloc(64 * 1024);
    const fill = (): void => {
      while (written < 512 * 1024 * 1024) {
        written += chunk.length;
        if (!response.write(chunk)) return;
      }
      response.end();
    };
    response.on("drain", fill);
    fill();
  });
  const { port } = await gatewayTo(baseUrl);
  const answer = await call(port);
  answer.pause();
  let last = -1;
  const settled = (): boolean => {
    const before = last;
    last = written;
    return written > 0 && written === before;
  };
  await expect.poll(settled, { interval: 200 }).toBe(true);
  expect(written).toBeLessThan(64 * 1024 * 1024);
  answer.destroy();
});

test("a sandbox that goes away ends the request to the model", async () => {
  const gone = Promise.withResolvers<void>();
  const baseUrl = await model((request, response) => {
    request.socket.once("close", () => gone.resolve());
    response.writeHead(200).flushHeaders();
  });
  const { port } = await gatewayTo(baseUrl);
  const answer = await call(port);
  answer.destroy();
  await gone.promise;
});

test("a model that cuts its answer off cuts off the sandbox's, and does not end it well", async () => {
  const baseUrl = await model((_request, response) => {
    response.write("half", () => response.destroy());
  });
  const { port } = await gatewayTo(baseUrl);
  await expect(call(port).then(text)).rejects.toMatchObject({ code: "ECONNRESET" });
});

test("a model that cannot be reached, or sends elsewhere: an error in the model's own form", async () => {
  const closed = createNetServer();
  const free = await listen(closed);
  closed.close();
  await once(closed, "close");
  const down = await call((await gatewayTo(`http://127.0.0.1:${free}`)).port);
  expect([down.statusCode, JSON.parse(await text(down))]).toEqual([
    502,
    { type: "error", error: { type: "api_error", message: expect.stringContaining("ECONNREFUSED") } },
  ]);
  const baseUrl = await model((_request, response) => response.writeHead(307, { location: "http://127.0.0.1/" }).end());
  const elsewhere = await call((await gatewayTo(baseUrl)).port);
  expect([elsewhere.statusCode, await text(elsewhere)]).toEqual([502, expect.stringContaining("ANTHROPIC_BASE_URL")]);
});

test("a credential that the model refuses is told, and the answer passed on", async () => {
  let status = 401;
  const baseUrl = await model((_request, response) => response.writeHead(status).end('{"type":"error"}'));
  const { port, refusals } = await gatewayTo(baseUrl);
  const first = await call(port);
  expect([first.statusCode, await text(first)]).toEqual([401, '{"type":"error"}']);
  status = 403;
  expect((await call(port)).statusCode).toBe(403);
  status = 429;
  expect((await call(port)).statusCode).toBe(429);
  expect(refusals).toEqual([401, 403]);
});

test("no credential is an error of authentication that names the variables; a failing look-up may be tried again", async () => {
  const none = await gatewayTo("", { credentials: credentialsFromEnvironment({}) });
  const answer = await call(none.port);
  expect([answer.statusCode, await text(answer)]).toEqual([401, expect.stringContaining("ANTHROPIC_API_KEY")]);
  expect(none.refusals).toEqual([401]);
  const failing = await gatewayTo("", { credentials: () => Promise.reject(new Error("vault: password hunter2")) });
  const later = await call(failing.port);
  expect([later.statusCode, await text(later)]).toEqual([503, expect.not.stringContaining("hunter2")]);
});

test("credentials from the environment", async () => {
  const session = identity.session;
  expect(await credentialsFromEnvironment({ ANTHROPIC_API_KEY: "k" })(session)).toEqual({
    baseUrl: "https://api.anthropic.com",
    apiKey: "k",
  });
  const both = { ANTHROPIC_AUTH_TOKEN: "t", ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: "http://localhost:1" };
  expect(await credentialsFromEnvironment(both)(session)).toEqual({ baseUrl: "http://localhost:1", authToken: "t" });
  await expect(credentialsFromEnvironment({ ANTHROPIC_API_KEY: " " })(session)).rejects.toThrow(RuntimeError);
  expect(() => credentialsFromEnvironment({ ANTHROPIC_BASE_URL: "localhost" })).toThrow("ANTHROPIC_BASE_URL");
});

test("a body above the limit is refused, and the gateway goes on", async () => {
  const baseUrl = await model((request, response) => {
    request.resume().on("end", () => response.end("fine"));
    request.on("error", () => undefined);
  });
  const { port } = await gatewayTo(baseUrl, { maxBodyBytes: 1000 });
  const answer = await call(port, { body: Buffer.alloc(1001) });
  expect([answer.statusCode, await text(answer)]).toEqual([413, expect.stringContaining("request_too_large")]);
  expect(await text(await call(port, { body: Buffer.alloc(1000) }))).toBe("fine");
});

test("rubbish on a stream, and streams that break, do no harm", async () => {
  const baseUrl = await model((_request, response) => response.end("fine"));
  const { port } = await gatewayTo(baseUrl);
  const socket = connect(port, "127.0.0.1");
  socket.end("\0\0rubbish\r\n\r\n");
  await once(socket.resume(), "close");
  const broken = connect(port, "127.0.0.1");
  broken.write(
    `POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: ${identity.token}\r\ncontent-length: 100\r\n\r\nhalf`,
    () => broken.resetAndDestroy(),
  );
  await once(broken, "close");
  expect(await text(await call(port))).toBe("fine");
});

test("a stream need not be a socket", async () => {
  const baseUrl = await model((_request, response) => response.end("fine"));
  const gateway = createGateway({ credentials: () => ({ baseUrl, apiKey: REAL_KEY }) });
  closing.push(() => gateway.close());
  const [ours, theirs] = duplexPair();
  gateway.register(identity).handle(ours);
  theirs.write(`GET /v1/models HTTP/1.1\r\nhost: x\r\nx-api-key: ${identity.token}\r\nconnection: close\r\n\r\n`);
  expect(await text(theirs)).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*fine/);
});
