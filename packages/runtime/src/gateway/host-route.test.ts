import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { text } from "node:stream/consumers";
import { secretPlaceholder } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { secretsFromEnvironment } from "./credentials.ts";
import type { GatewayOptions } from "./gateway.ts";
import { gatewayScene, httpsServer, IDENTITY } from "./testing/gateway-scene.ts";

const TOKEN = { "x-agent-runtime-token": IDENTITY.token };
const lookup = async () => ["127.0.0.1"];
const VALUE = "ghp_canary_value";

/** An HTTPS host that answers what it was asked, and the gateway in front of it. */
async function withHost(options: { names?: readonly string[] } & Partial<GatewayOptions> = {}) {
  const { names = ["api.example.com"], ...more } = options;
  const seen: IncomingHttpHeaders[] = [];
  const host = httpsServer((request, response) => {
    const { url = "", headers, method } = request;
    seen.push(headers);
    response.setHeader("x-you-said", headers.authorization ?? "nothing");
    if (url.startsWith("/moved")) return void response.writeHead(302, { location: `/to?${url.split("?")[1]}` }).end();
    if (url.startsWith("/away")) return void response.writeHead(302, { location: "https://elsewhere.example/x" }).end();
    void text(request).then((body) => response.end(JSON.stringify({ method, url, headers, body })));
  });
  if (host === null) return null;
  const outer = await gatewayScene();
  const port = await outer.serve(host.server);
  const secrets = [{ secret: "GITHUB", hosts: names.map((name) => `${name}:${port}`) }];
  const scene = await gatewayScene(
    { lookup, ca: host.ca, secrets: (_session, name) => (name === "GITHUB" ? VALUE : undefined), ...more },
    { secrets },
  );
  const path = (rest: string, name = "api.example.com"): string => `/hosts/${name}:${port}${rest}`;
  const close = async (): Promise<void> => {
    await scene[Symbol.asyncDispose]();
    await outer[Symbol.asyncDispose]();
  };
  return { scene, path, port, seen, [Symbol.asyncDispose]: close };
}

const NO_OPENSSL = "openssl is not there, so there is no certificate for an HTTPS server";

test("a stand-in in a header becomes the secret on the way to its host, by HTTPS, and the token stays here", async ({
  skip,
}) => {
  await using way = await withHost();
  if (way === null) return skip(NO_OPENSSL);
  const answer = await way.scene.call(way.path("/repos?a=b"), {
    method: "POST",
    headers: { ...TOKEN, authorization: `Bearer ${secretPlaceholder("GITHUB")}`, "x-plain": "kept" },
    body: "payload",
  });
  const seen = JSON.parse(await text(answer)) as { headers: Record<string, string> };
  expect(seen).toMatchObject({ method: "POST", url: "/repos?a=b", body: "payload" });
  expect(way.seen).toMatchObject([
    { authorization: `Bearer ${VALUE}`, "x-plain": "kept", host: `api.example.com:${way.port}` },
  ]);
  // A host that says what it was told tells nothing to the sandbox.
  const stars = `Bearer ${"*".repeat(VALUE.length)}`;
  expect([seen.headers["authorization"], answer.headers["x-you-said"]]).toEqual([stars, stars]);
  expect(JSON.stringify(seen)).not.toContain(IDENTITY.token);
  await expect
    .poll(() => way.scene.egress)
    .toMatchObject([{ host: "api.example.com", way: "hosts", allowed: true, bytesSent: 7 }]);
  expect(JSON.stringify([way.scene.logged, way.scene.egress])).not.toMatch(/ghp_canary|art_token/);
});

test("also inside a login of name and password, as git sends it; the token may stand in the path", async ({ skip }) => {
  await using way = await withHost();
  if (way === null) return skip(NO_OPENSSL);
  const login = Buffer.from(`x-access-token:${secretPlaceholder("GITHUB")}`).toString("base64");
  const path = `/token/${IDENTITY.token}${way.path("/org/repo.git/info/refs?service=git-upload-pack")}`;
  const answer = await way.scene.call(path, { headers: { authorization: `Basic ${login}` } });
  const { headers, url } = JSON.parse(await text(answer)) as { headers: Record<string, string>; url: string };
  const sent = Buffer.from(`x-access-token:${VALUE}`).toString("base64");
  expect(way.seen[0]?.authorization).toBe(`Basic ${sent}`);
  expect([headers["authorization"], answer.headers["x-you-said"]].join()).not.toContain(sent.slice(0, 30));
  expect(url).toBe("/org/repo.git/info/refs?service=git-upload-pack");
  await expect.poll(() => way.scene.logged).toHaveLength(1);
  expect(way.scene.logged[0]).not.toContain(IDENTITY.token);
  expect(JSON.parse(way.scene.logged[0] ?? "")).toMatchObject({ path: `/hosts/api.example.com:${way.port}` });
});

test("a login with the token opens the route and does not go on", async ({ skip }) => {
  await using way = await withHost();
  if (way === null) return skip(NO_OPENSSL);
  const login = Buffer.from(`sandbox:${IDENTITY.token}`).toString("base64");
  const answer = await way.scene.call(way.path("/"), { headers: { authorization: `Basic ${login}` } });
  const { headers } = JSON.parse(await text(answer)) as { headers: Record<string, string> };
  expect([answer.statusCode, headers["authorization"]]).toEqual([200, undefined]);
});

test("git clones what only a secret opens, and never has it", async ({ skip }) => {
  const folder = mkdtempSync(join(tmpdir(), "gateway-git-"));
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder, GIT_TERMINAL_PROMPT: "0" };
  const git = (args: readonly string[], more: Record<string, string> = {}) =>
    promisify(execFile)("git", [...args], { cwd: folder, env: { ...env, ...more } });
  try {
    await git(["init", "-q", "source"]);
    const author = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
    await git(["-C", "source", ...author, "commit", "-q", "--allow-empty", "-m", "kept behind a login"]);
    await git(["clone", "-q", "--bare", "source", "bare.git"]);
    await git(["-C", "bare.git", "update-server-info"]);
    const login = `Basic ${Buffer.from(`x-access-token:${VALUE}`).toString("base64")}`;
    const host = httpsServer((request, response) => {
      const file = join(folder, new URL(request.url ?? "", "http://x").pathname.replace("/org/", "/"));
      if (request.headers.authorization !== login) response.writeHead(401).end();
      else if (existsSync(file)) response.end(readFileSync(file));
      else response.writeHead(404).end();
    });
    if (host === null) return skip(NO_OPENSSL);
    await using outer = await gatewayScene();
    const port = await outer.serve(host.server);
    const place = `git.example.com:${port}`;
    const secrets = [{ secret: "GITHUB", hosts: [place] }];
    await using scene = await gatewayScene({ lookup, ca: host.ca, secrets: () => VALUE }, { secrets });
    const base = `http://127.0.0.1:${scene.port}/token/${IDENTITY.token}/hosts/${place}/`;
    const standIn = Buffer.from(`x-access-token:${secretPlaceholder("GITHUB")}`).toString("base64");
    await git(["clone", "-q", `https://${place}/org/bare.git`, "copy"], {
      GIT_CONFIG_COUNT: "2",
      GIT_CONFIG_KEY_0: `url.${base}.insteadOf`,
      GIT_CONFIG_VALUE_0: `https://${place}/`,
      GIT_CONFIG_KEY_1: `http.${base}.extraHeader`,
      GIT_CONFIG_VALUE_1: `Authorization: Basic ${standIn}`,
    });
    const { stdout } = await git(["-C", "copy", "log", "--format=%s"]);
    expect(stdout).toBe("kept behind a login\n");
    expect((await git(["-C", "copy", "config", "--list"])).stdout).not.toMatch(/canary|art_token/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a redirect leads through the gateway again where the host is one of a secret's, else out", async ({ skip }) => {
  await using way = await withHost();
  if (way === null) return skip(NO_OPENSSL);
  const moved = await way.scene.call(way.path("/moved?x=1"), { headers: TOKEN });
  expect(moved.headers.location).toBe(`/token/${IDENTITY.token}${way.path("/to?x=1")}`);
  expect((await way.scene.call(moved.headers.location!)).statusCode).toBe(200);
  const away = await way.scene.call(way.path("/away"), { headers: TOKEN });
  expect(away.headers.location).toBe("https://elsewhere.example/x");
});

test("other hosts, other sandboxes, secrets of other hosts and secrets without a value are refused in words", async ({
  skip,
}) => {
  await using way = await withHost({ names: ["git.example.com"] });
  if (way === null) return skip(NO_OPENSSL);
  const call = async (path: string, headers: Record<string, string>) => {
    const answer = await way.scene.call(path, { headers });
    return [answer.statusCode, await text(answer)];
  };
  const git = way.path("/", "git.example.com");
  expect(await call(way.path("/"), TOKEN)).toEqual([
    403,
    expect.stringContaining("No secret of this session is meant for api.example.com"),
  ]);
  expect(await call(git, { "x-agent-runtime-token": "art_other" })).toEqual([401, expect.any(String)]);
  expect(await call(git, {})).toEqual([401, expect.any(String)]);
  const unknown = { ...TOKEN, "x-key": secretPlaceholder("ANTHROPIC_API_KEY") };
  expect(await call(git, unknown)).toEqual([502, expect.stringContaining("The secret ANTHROPIC_API_KEY has no value")]);
  expect(await call("/hosts/", TOKEN)).toEqual([404, expect.any(String)]);
  expect(await call("/hosts/%zz/path", TOKEN)).toEqual([404, expect.any(String)]);
  expect(await call("/hosts/git.example.com:1/../../v1/messages", TOKEN)).toEqual([404, expect.any(String)]);
  expect((await call(git, TOKEN))[0]).toBe(200);
});

test("a value that would be two headers is not put in, and one that fails says nothing of why", async ({ skip }) => {
  let value: () => string = () => "a\r\nx-evil: 1";
  await using way = await withHost({ secrets: () => value() });
  if (way === null) return skip(NO_OPENSSL);
  const headers = { ...TOKEN, "x-key": secretPlaceholder("GITHUB") };
  expect((await way.scene.call(way.path("/"), { headers })).statusCode).toBe(502);
  value = () => {
    throw new Error("vault: hunter2");
  };
  const failed = await way.scene.call(way.path("/"), { headers });
  expect([failed.statusCode, await text(failed)]).toEqual([502, expect.not.stringContaining("hunter2")]);
});

test("a host whose certificate is not trusted gets nothing", async ({ skip }) => {
  const host = httpsServer((_request, response) => response.end("reached"));
  if (host === null) return skip(NO_OPENSSL);
  await using outer = await gatewayScene();
  const port = await outer.serve(host.server);
  const secrets = [{ secret: "GITHUB", hosts: [`api.example.com:${port}`] }];
  await using scene = await gatewayScene({ lookup, secrets: () => VALUE }, { secrets });
  const headers = { ...TOKEN, "x-key": secretPlaceholder("GITHUB") };
  const answer = await scene.call(`/hosts/api.example.com:${port}/`, { headers });
  expect([answer.statusCode, await text(answer)]).toEqual([502, expect.stringContaining("cannot be reached")]);
});

test("secrets from the environment have a prefix of their own", async () => {
  const secrets = secretsFromEnvironment({ AGENT_RUNTIME_SECRET_GITHUB: VALUE, ANTHROPIC_API_KEY: "sk" });
  expect(await secrets(IDENTITY.session, "GITHUB")).toBe(VALUE);
  expect(await secrets(IDENTITY.session, "ANTHROPIC_API_KEY")).toBeUndefined();
});
