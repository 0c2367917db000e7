import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createGateway } from "./gateway.ts";
import type { GatewayIdentity } from "./port.ts";
import { publicRoute } from "./public-route.ts";

const identity = (name: string): GatewayIdentity => ({
  session: { tenant: "default", sessionId: name },
  generation: 1,
  token: `art_${name}`,
});
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A gateway whose model answers with whose key it was asked, in pieces when it is told to. */
async function scene() {
  const more = Promise.withResolvers<void>();
  let asked = 0;
  const model = createServer((request, response) => {
    asked += 1;
    request.resume();
    response.writeHead(200, { "content-type": "text/event-stream", "x-of": "model" });
    response.write(`key ${String(request.headers["x-api-key"])} path ${request.url}\n`);
    if (request.url !== "/v1/slow") response.end();
    else void more.promise.then(() => response.end("rest"));
  }).listen(0, "127.0.0.1");
  await once(model, "listening");
  closing.push(
    () => model.closeAllConnections(),
    () => model.close(),
  );
  const baseUrl = `http://127.0.0.1:${(model.address() as AddressInfo).port}`;
  const gateway = createGateway({ credentials: ({ sessionId }) => ({ baseUrl, apiKey: `key-of-${sessionId}` }) });
  closing.push(() => gateway.close());
  const ask = async (path: string, headers: Record<string, string>, body: string | null = "{}") =>
    publicRoute(gateway)(
      new Request(`http://server/gateway${path}`, { method: body === null ? "GET" : "POST", headers, body }),
    );
  return { gateway, ask, finish: more.resolve, asked: () => asked };
}

test("the token says whose request it is, in each of its ways", async () => {
  const { gateway, ask } = await scene();
  gateway.register(identity("a"));
  gateway.register(identity("b"));
  const one = await ask("/v1/messages?x=1", { "x-api-key": "art_a" });
  expect([one.status, one.headers.get("x-of"), await one.text()]).toEqual([
    200,
    "model",
    "key key-of-a path /v1/messages?x=1\n",
  ]);
  expect(await (await ask("/v1/models", { authorization: "Bearer art_b" }, null)).text()).toContain("key-of-b");
  expect(await (await ask("/v1/models", { "x-agent-runtime-token": "art_b" }, null)).text()).toContain("key-of-b");
  expect((await ask("/token/art_b/hosts/example.com/", {}, null)).status).toBe(403);
});

test("without a token that is good nothing is asked of the model; it is good until its sandbox has ended", async () => {
  const { gateway, ask, asked } = await scene();
  const guest = gateway.register(identity("a"));
  for (const headers of [{}, { "x-api-key": "art_b" }, { "x-api-key": "" }] as Record<string, string>[]) {
    const refused = await ask("/v1/messages", headers);
    expect([refused.status, await refused.json()]).toEqual([
      401,
      {
        type: "error",
        error: { type: "authentication_error", message: expect.stringContaining("ends with its sandbox") },
      },
    ]);
  }
  guest.revoke();
  expect((await ask("/v1/messages", { "x-api-key": "art_a" })).status).toBe(401);
  expect(asked()).toBe(0);
});

test("a token that is given to another session stands for that one from then on", async () => {
  const { gateway, ask } = await scene();
  gateway.register(identity("a"));
  gateway.register({ ...identity("b"), token: identity("a").token });
  expect(await (await ask("/v1/models", { "x-api-key": "art_a" }, null)).text()).toContain("key-of-b");
});

test("an answer streams, and is cut where its sandbox ends", async () => {
  const { gateway, ask, finish } = await scene();
  const guest = gateway.register(identity("a"));
  const read = async (): Promise<ReadableStreamDefaultReader<Uint8Array>> => {
    const reader = (await ask("/v1/slow", { "x-api-key": "art_a" })).body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toContain("key-of-a");
    return reader;
  };
  const cut = await read();
  guest.revoke();
  await expect(cut.read()).rejects.toThrow();
  gateway.register(identity("a"));
  const whole = await read();
  finish();
  expect(Buffer.from((await whole.read()).value!).toString()).toBe("rest");
  expect((await whole.read()).done).toBe(true);
});
