import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { consoleFiles } from "./console-files.ts";
import { createConsoleHandler } from "./console-handler.ts";

const folder = temporaryFolder();
const built = join(folder.path, "console/");
const script = "console.log('a part of the console');\n".repeat(200);
const server = createServer((asked, response) => {
  void createConsoleHandler({ model: "real" }, files)(asked, response).then((isOurs) => {
    if (!isOurs) response.writeHead(404).end("not ours");
  });
});
const files = consoleFiles([built]);

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => {
  server.close();
  folder[Symbol.dispose]();
});

interface Got {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** As it goes over the line: nothing is decompressed, and no path is tidied. */
async function get(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Got> {
  const { port } = server.address() as AddressInfo;
  const asked = request({ host: "127.0.0.1", port, path, method, headers }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}

test("a console that is not built says so in plain words", async () => {
  const { status, headers, body } = await get("/");
  expect([status, headers["content-type"]]).toEqual([503, "text/plain; charset=utf-8"]);
  expect(body.toString()).toContain("npm run build");
  mkdirSync(join(built, "assets"), { recursive: true });
  mkdirSync(join(built, ".vite"));
  writeFileSync(join(built, "index.html"), "<!doctype html><p>here</p>");
  writeFileSync(join(built, "assets/index-a1B2.js"), script);
  writeFileSync(join(built, ".built-from"), "x");
  writeFileSync(join(built, ".vite/manifest.json"), "{}");
  writeFileSync(join(folder.path, "secret.js"), "secret");
  expect((await get("/")).body.toString()).toContain("here");
});

test("every file has its type and its fences; only what is named by its content is kept", async () => {
  for (const [path, type, cache] of [
    ["/", "text/html; charset=utf-8", "no-cache"],
    ["/index.html?a=b", "text/html; charset=utf-8", "no-cache"],
    ["/assets/index-a1B2.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"],
  ] as const) {
    const { status, headers } = await get(path);
    expect([status, headers["content-type"], headers["cache-control"]]).toEqual([200, type, cache]);
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["referrer-policy"]).toBe("no-referrer");
    expect(headers["content-security-policy"]).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
  }
});

test("what it says to everybody is which model answers, and its version", async () => {
  const { status, body } = await get("/console/info.json");
  expect([status, JSON.parse(body.toString())]).toEqual([
    200,
    { model: "real", version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string },
  ]);
  expect((await get("/favicon.ico")).status).toBe(204);
});

test("compressed as the client takes it, with a tag for each way; HEAD says the same and sends nothing", async () => {
  const path = "/assets/index-a1B2.js";
  const plain = await get(path);
  expect([plain.headers["content-encoding"], plain.body.toString()]).toEqual([undefined, script]);
  const br = await get(path, { "accept-encoding": "gzip, deflate, br" });
  expect([br.headers["content-encoding"], brotliDecompressSync(br.body).toString()]).toEqual(["br", script]);
  const gzip = await get(path, { "accept-encoding": "gzip, br;q=0" });
  expect([gzip.headers["content-encoding"], gunzipSync(gzip.body).toString()]).toEqual(["gzip", script]);
  expect(br.body.byteLength).toBeLessThan(script.length / 10);
  const tags = [plain, br, gzip].map(({ headers }) => headers.etag ?? "");
  expect(new Set(tags).size).toBe(3);
  expect([plain, br, gzip].map(({ headers }) => headers.vary)).toEqual(Array(3).fill("accept-encoding"));
  const head = await get(path, { "accept-encoding": "br" }, "HEAD");
  expect([head.status, head.headers["content-length"], head.body.byteLength]).toEqual([
    200,
    `${br.body.byteLength}`,
    0,
  ]);
  const known = await get(path, { "accept-encoding": "br", "if-none-match": `"x", ${br.headers.etag ?? ""}` });
  expect([known.status, known.body.byteLength]).toEqual([304, 0]);
});

test("a new build is seen without a restart", async () => {
  const { etag } = (await get("/")).headers;
  writeFileSync(join(built, "index.html"), "<!doctype html><p>a newer one</p>");
  const { body, headers } = await get("/", { "if-none-match": etag ?? "" });
  expect([body.toString().includes("newer"), headers.etag === etag]).toEqual([true, false]);
});

test("nothing else is the console's: no way out of its folder, no hidden file, no other method", async () => {
  for (const path of [
    "/../secret.js",
    "/assets/../../secret.js",
    "/assets/..%2f..%2fsecret.js",
    "/%2e%2e/secret.js",
    "/assets/....//secret.js",
    "//secret.js",
    "/assets/index-a1B2.js%00.html",
    "/.built-from",
    "/.vite/manifest.json",
    "/assets",
    "/assets/",
    "/assets/none.js",
    "/sessions",
    "/openapi.json",
    "/docs",
  ])
    expect([path, (await get(path)).body.toString()]).toEqual([path, "not ours"]);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"])
    expect([method, (await get("/", {}, method)).status]).toEqual([method, 404]);
});
