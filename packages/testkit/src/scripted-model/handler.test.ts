import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type ScriptedModel, startScriptedModel } from "./server.ts";
import { script } from "./step.ts";
import { ask, deltasOf, errorOf, parseEvents, textOf } from "./testing/exchange.ts";

let model: ScriptedModel;
beforeAll(async () => {
  model = await startScriptedModel();
});
afterAll(() => model.close());

const last = () => model.requests.at(-1)!;

test.each([
  ["a broken script", () => ask(model, "<<<[{]>>>"), 400, /the script in the prompt is not JSON: .*JSON/],
  ["an unknown step key", () => ask(model, '<<<[{"say":1}]>>>'), 400, /step 0: Unrecognized key: "say"/],
  ["a body that is not JSON", () => post("{"), 400, /The body is not JSON/],
  ["no body", () => post(""), 400, /The body is not JSON/],
  ["no messages", () => post('{"model":"m"}'), 400, /messages: /],
  ["empty messages", () => post('{"model":"m","messages":[]}'), 400, /messages: /],
  [
    "wrong content",
    () => post('{"model":"m","messages":[{"role":"user","content":1}]}'),
    400,
    /messages\.0\.content: /,
  ],
  ["an unknown path", () => fetch(`${model.url}/v2/nothing`), 404, /GET \/v2\/nothing/],
  ["another method", () => fetch(`${model.url}/v1/messages`), 404, /GET \/v1\/messages/],
])("bad input: %s", async (...[, send, status, message]) => {
  const error = await errorOf(await send());
  expect(error).toMatchObject({ status, message: expect.stringMatching(message) as string });
  expect(error.type).toBe(status === 404 ? "not_found_error" : "invalid_request_error");
  expect(await textOf(await ask(model, script([{ text: "fine" }])))).toBe("fine");
});

async function post(body: string): Promise<Response> {
  return fetch(`${model.url}/v1/messages`, { method: "POST", body });
}

test("a body that is too large", async () => {
  expect(await errorOf(await post(" ".repeat(33 * 1024 * 1024)))).toMatchObject({
    status: 413,
    type: "request_too_large",
  });
});

test("a client that leaves while it sends", async () => {
  const sending = httpRequest(`${model.url}/v1/messages`, { method: "POST", headers: { "content-length": 100 } });
  sending.on("error", () => {});
  sending.write('{"model"');
  await vi.waitFor(() => expect(last().headers["content-length"]).toBe("100"));
  const entry = last();
  sending.destroy();
  await vi.waitFor(() => expect(entry.outcome).toBe("aborted"));
});

test("the side routes", async () => {
  expect((await fetch(model.url, { method: "HEAD" })).status).toBe(200);
  expect(await (await fetch(model.url)).json()).toMatchObject({ service: "scripted model" });
  const counted = await fetch(`${model.url}/v1/messages/count_tokens?beta=true`, { method: "POST", body: "{}" });
  expect(await counted.json()).toEqual({ input_tokens: 10 });
});

test("requests are kept with what tests look for, the last ones only", async () => {
  const seen: string[] = [];
  const at = new Date("2026-01-02T03:04:05.678Z");
  await using small = await startScriptedModel({
    keepRequests: 2,
    onRequest: (request) => seen.push(request.path),
    now: () => at,
  });
  for (const path of ["/a", "/b"]) await fetch(small.url + path);
  await (await ask(small, script([{ text: "x" }]), { tools: ["Read"] })).text();
  expect(small.requests.map((request) => request.path)).toEqual(["/b", "/v1/messages?beta=true"]);
  expect(seen).toEqual(["/a", "/b", "/v1/messages?beta=true"]);
  expect(small.requests[1]).toMatchObject({
    at: "2026-01-02T03:04:05.678Z",
    method: "POST",
    model: "some-model",
    system: "",
    toolNames: ["Read"],
    headers: { "x-api-key": "k" },
    body: { max_tokens: 100 },
    played: { kind: "step", index: 0, of: 1 },
    outcome: "answered",
  });
});

test("an onRequest that throws is a 500, not a crash", async () => {
  const onRequest = () => {
    throw new Error("mine");
  };
  await using broken = await startScriptedModel({ onRequest });
  expect(await errorOf(await ask(broken, "x"))).toEqual({ status: 500, type: "api_error", message: "mine" });
  expect(await errorOf(await fetch(broken.url))).toMatchObject({ status: 500 });
});

test("a client that does not read costs a buffer, not the whole answer", async () => {
  const text = "x".repeat(16 * 1024 * 1024);
  const sending = httpRequest(`${model.url}/v1/messages`, { method: "POST" });
  const messages = [{ role: "user", content: script([{ text, chunk: 16_384 }]) }];
  sending.end(JSON.stringify({ model: "m", stream: true, messages }));
  const [response] = (await once(sending, "response")) as [IncomingMessage];
  response.pause();
  const entry = last();
  for (let n = 0; n < 20; n++) await textOf(await ask(model, script([{ text: "meanwhile" }])));
  expect(entry.outcome).toBe("open");
  response.setEncoding("utf8");
  let whole = "";
  for await (const chunk of response) whole += chunk as string;
  expect(deltasOf(parseEvents(whole))).toHaveLength(1024);
  await vi.waitFor(() => expect(entry.outcome).toBe("answered"));
});

test("it listens on a unix socket too", async () => {
  const directory = await mkdtemp(join(tmpdir(), "scripted-socket-"));
  try {
    const unixSocket = join(directory, "model.sock");
    await using local = await startScriptedModel({ unixSocket });
    expect([local.url, local.port]).toEqual([`unix:${unixSocket}`, 0]);
    const sending = httpRequest({ socketPath: unixSocket, path: "/" }).end();
    const [response] = (await once(sending, "response")) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    response.resume();
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("a taken port is an error, and close ends what is open", async () => {
  const first = await startScriptedModel();
  await expect(startScriptedModel({ port: first.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  const hanging = ask(first, script([{ hang: true }]));
  await vi.waitFor(() => expect(first.requests).toHaveLength(1));
  const broken = expect(hanging).rejects.toThrow();
  await first.close();
  await broken;
  await first.close();
});
