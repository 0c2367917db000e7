import { createServer } from "node:http";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { resolveSettings, type Settings } from "../settings/settings.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { createLog } from "./log.ts";
import { describePersistence, sandboxFor } from "./parts.ts";
import { runtimeConfig, startServer, type RunningServer } from "./server.ts";
import { welcome } from "./serve.ts";

let running: RunningServer[] = [];
afterEach(async () => {
  for (const server of running) await server.close();
  running = [];
});

const log = createLog("silent");

// `unsafe-process`: no session of these tests starts an agent, and a probe of bubblewrap would only take time.
function settingsFor(dataDir: string, more: Record<string, unknown> = {}): Promise<Settings> {
  return resolveSettings({
    flags: { dataDir, port: "0", sandbox: "unsafe-process", ...more },
    environment: {},
    folder: "/",
  });
}

async function start(dataDir: string, more: Record<string, unknown> = {}, environment: Record<string, string> = {}) {
  const server = await startServer({ settings: await settingsFor(dataDir, more), log, environment });
  running.push(server);
  return server;
}

const creation = JSON.stringify({ agentProfileRef: "default", architecture: "claude-agent-sdk" });

function create({ url, apiKey }: RunningServer): Promise<Response> {
  const headers = { "x-api-key": apiKey.key, "content-type": "application/json" };
  return fetch(`${url}/sessions/create`, { method: "POST", headers, body: creation });
}

test("serves the console, the API and the socket, each with its fence", async () => {
  using folder = temporaryFolder();
  const server = await start(folder.path);
  const page = await fetch(server.url);
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
  const html = await page.text();
  expect(html).not.toMatch(/<script(?![^>]*src=)|\son\w+=|style=/);
  for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
    expect([path, (await fetch(new URL(path ?? "", `${server.url}/`))).status]).toEqual([path, 200]);
  }
  expect(await (await fetch(`${server.url}/console/info.json`)).json()).toMatchObject({ model: "scripted" });
  expect((await fetch(`${server.url}/favicon.ico`)).status).toBe(204);
  expect((await fetch(`${server.url}/sessions`)).status).toBe(401);
  expect((await create(server)).status).toBe(201);
  const refused = new WebSocket(server.url.replace("http", "ws"));
  await expect(once(refused, "open")).rejects.toThrow("401");
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`, {
    headers: { "x-api-key": server.apiKey.key },
  });
  await once(socket, "open");
  socket.terminate();
});

/** What a page asks for that was opened by a link. */
async function session(url: string, bearer: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${decodeURIComponent(bearer)}`, "content-type": "application/json" };
  const body = JSON.stringify({ expiresInMs: 60_000 });
  return (await fetch(`${url}/tokens`, { method: "POST", headers, body })).json();
}

test("a client that offers HTTP/2 by an upgrade is served", async () => {
  using folder = temporaryFolder();
  const { url } = await start(folder.path);
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.write("GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n");
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toContain("200 OK");
  socket.destroy();
});

test("sessions and key are there after a restart; memory forgets the sessions", async () => {
  using folder = temporaryFolder();
  for (const [persistence, kept] of [
    ["sqlite", 1],
    ["memory", 0],
  ] as const) {
    const first = await start(folder.path, { persistence });
    expect((await create(first)).status).toBe(201);
    await first.close();
    const second = await start(folder.path, { persistence });
    expect(second.apiKey).toMatchObject({ key: first.apiKey.key, isNew: false });
    const list = await fetch(`${second.url}/sessions`, { headers: { "x-api-key": first.apiKey.key } });
    expect(((await list.json()) as { sessions: unknown[] }).sessions).toHaveLength(kept);
    await second.close();
  }
});

test("a taken port and a taken data directory are said, and nothing stays open", async () => {
  using one = temporaryFolder();
  using two = temporaryFolder();
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const { port } = blocker.address() as AddressInfo;
  await expect(start(one.path, { port })).rejects.toMatchObject({
    code: "port_in_use",
    message: expect.stringMatching(new RegExp(`Port ${port}.*--port`)) as string,
  });
  blocker.close();
  const server = await start(one.path, { port });
  await expect(start(one.path)).rejects.toMatchObject({ code: "data_dir_unusable" });
  await expect(start(two.path, { host: "256.0.0.1" })).rejects.toMatchObject({ code: "invalid_configuration" });
  await server.close();
  await expect(fetch(`${server.url}/health`)).rejects.toThrow();
});

test("--cors-origin lets a page in, --api-key is the key", async () => {
  using folder = temporaryFolder();
  const origin = "https://app.example";
  const { url, apiKey } = await start(folder.path, { corsOrigin: origin, apiKey: "mine" });
  expect(apiKey).toEqual({ key: "mine", isNew: false });
  const response = await fetch(`${url}/sessions`, { headers: { "x-api-key": "mine", origin } });
  expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([200, origin]);
});

test("the model is the real one where its credential is set, or what --model says", async () => {
  using folder = temporaryFolder();
  const kinds: string[] = [];
  for (const [model, environment] of [
    [undefined, {}],
    [undefined, { ANTHROPIC_API_KEY: "k" }],
    [undefined, { ANTHROPIC_AUTH_TOKEN: "t" }],
    [undefined, { ANTHROPIC_API_KEY: " " }],
    ["scripted", { ANTHROPIC_API_KEY: "k" }],
    ["real", { ANTHROPIC_API_KEY: "k" }],
  ] as const) {
    const server = await start(folder.path, { model, persistence: "memory" }, environment);
    kinds.push(server.model.kind);
    await server.close();
  }
  expect(kinds).toEqual(["scripted", "real", "real", "scripted", "scripted", "real"]);
  await expect(start(folder.path, { model: "real" })).rejects.toMatchObject({ code: "invalid_configuration" });
});

test("limits go on to the runtime, and modal needs its tokens", async () => {
  using folder = temporaryFolder();
  const model = { kind: "real" as const, description: "", close: async () => {} };
  const flags = {
    idleTimeoutMs: "11",
    syncIntervalMs: "12",
    maxSandboxes: "13",
    maxWaiting: "0",
    leaseMs: "2500",
    bus: "redis://127.0.0.1:1",
    persistence: "memory",
    warmPool: "default=2",
  };
  const config = runtimeConfig(
    { settings: await settingsFor(folder.path, flags), log, environment: {} },
    { dataDir: "/d", model },
  );
  expect(config).toMatchObject({
    idleTimeoutMs: 11,
    syncIntervalMs: 12,
    maxSandboxes: 13,
    maxWaiting: 0,
    cluster: { leaseMs: 2500 },
    bus: { publish: expect.any(Function) },
    warmPool: { default: 2 },
    dataDir: "/d",
    sandbox: { name: "unsafe-process" },
  });
  const plain = runtimeConfig(
    { settings: await settingsFor(folder.path), log, environment: {} },
    { dataDir: "/d", model },
  );
  expect(Object.keys(plain).sort()).toEqual(["dataDir", "logger", "persistence", "sandbox"]);
  await expect(start(folder.path, { sandbox: "modal" })).rejects.toThrow("MODAL_TOKEN_ID");
  // Nobody is there, and the error names the remedy without the password.
  const nobody = start(folder.path, { persistence: "postgres://user:secret@127.0.0.1:1/db" });
  await expect(nobody).rejects.toMatchObject({ code: "persistence_unavailable" });
  await expect(nobody).rejects.not.toThrow("secret");
  for (const kind of ["postgres", "mysql"]) {
    const settings = await settingsFor(folder.path, { persistence: `${kind}://user:secret@127.0.0.1:1/db` });
    expect(describePersistence(settings.persistence)).toBe(` (sessions in ${kind}://127.0.0.1:1/db)`);
  }
});

test("--allowed-hosts and --gateway-url go on to the runtime, which refuses a host that is none", async () => {
  using folder = temporaryFolder();
  const model = { kind: "real" as const, description: "", close: async () => {} };
  const flags = { allowedHosts: "a.example,*.b.example:8080", gatewayUrl: "https://agents.example/gateway" };
  const config = async (more = {}) =>
    runtimeConfig(
      { settings: await settingsFor(folder.path, { ...flags, ...more }), log, environment: {} },
      { dataDir: "/d", model },
    );
  expect(await config()).toMatchObject({
    network: { allowedHosts: ["a.example", "*.b.example:8080"] },
    gateway: { publicUrl: "https://agents.example/gateway" },
  });
  expect((await config({ gateway: "external" })).gateway).toEqual({
    external: true,
    publicUrl: "https://agents.example/gateway",
  });
  const wrong = start(folder.path, { allowedHosts: "https://a.example" });
  await expect(wrong).rejects.toMatchObject({
    code: "invalid_configuration",
    message: expect.stringContaining("https://a.example") as string,
  });
});

test("--bound-secrets goes on to the runtime, which refuses a host that is none", async () => {
  using folder = temporaryFolder();
  const model = { kind: "real" as const, description: "", close: async () => {} };
  const settings = await settingsFor(folder.path, { boundSecrets: "A=a.example,A=b.example,B=c.example" });
  expect(runtimeConfig({ settings, log, environment: {} }, { dataDir: "/d", model })).toMatchObject({
    boundSecrets: { A: ["a.example", "b.example"], B: ["c.example"] },
  });
  await expect(start(folder.path, { boundSecrets: "A=https://a.example" })).rejects.toMatchObject({
    code: "invalid_configuration",
    field: "boundSecrets.A",
  });
  await expect(settingsFor(folder.path, { boundSecrets: "GITHUB" })).rejects.toMatchObject({ field: "boundSecrets" });
});

test("--npm-registry, --pip-index and --registry-hosts go on to the runtime, which refuses a login in them", async () => {
  using folder = temporaryFolder();
  const model = { kind: "real" as const, description: "", close: async () => {} };
  const flags = { npmRegistry: "https://npm.example/x", pipIndex: "https://pip.example", registryHosts: "a.example" };
  const settings = await settingsFor(folder.path, flags);
  expect(runtimeConfig({ settings, log, environment: {} }, { dataDir: "/d", model })).toMatchObject({
    registries: { npm: "https://npm.example/x", pip: "https://pip.example", hosts: ["a.example"] },
  });
  await expect(start(folder.path, { npmRegistry: "https://user:secret@npm.example/" })).rejects.toMatchObject({
    code: "invalid_configuration",
    message: expect.stringContaining("registries.npm must be without user and password") as string,
  });
});

test("--sandbox-limits are those of the sandboxes, and wrong ones are refused by name", async () => {
  using folder = temporaryFolder();
  const settings = await settingsFor(folder.path, { sandbox: "local", sandboxLimits: "processes=0.5" }).catch(
    (error: unknown) => error,
  );
  expect(settings).toMatchObject({ code: "invalid_configuration", message: expect.stringContaining("processes") });
  await expect(settingsFor(folder.path, { sandboxLimits: "memory=lots" })).rejects.toThrow("memory must be");
  await expect(settingsFor(folder.path, { sandboxLimits: "ram=1" })).rejects.toThrow("memory, cpus, processes");
  const limited = await settingsFor(folder.path, { sandbox: "local", sandboxLimits: "open-files=77" });
  const provider = sandboxFor(limited, folder.path, {});
  const bundle = join(folder.path, "runner.mjs");
  writeFileSync(
    bundle,
    'import { writeFileSync, readFileSync } from "node:fs"; writeFileSync("/workspace/limits", readFileSync("/proc/self/limits")); setInterval(() => undefined, 1000);',
  );
  const written = join(folder.path, "sandboxes/limited/workspace/limits");
  const sandbox = await provider.create(
    {
      key: "limited",
      tags: { deployment: "d", tenant: "t", session: "s", generation: "1" },
      runner: { bundle, packages: {} },
      environment: {},
    },
    { signal: AbortSignal.timeout(20_000), onProgress: () => undefined },
  );
  try {
    await expect
      .poll(() => (existsSync(written) ? readFileSync(written, "utf8") : ""))
      .toMatch(/Max open files +77 +77/);
  } finally {
    await sandbox.terminate();
  }
});

test("profiles of the configuration are those that sessions can name", async () => {
  using folder = temporaryFolder();
  const settings = { ...(await settingsFor(folder.path)), profiles: [{ id: "reviewer", name: "Reviewer" }] };
  const server = await startServer({ settings, log, environment: {} });
  running.push(server);
  const response = await fetch(`${server.url}/agent-profiles`, { headers: { "x-api-key": server.apiKey.key } });
  expect(await response.json()).toEqual({ profiles: [{ id: "reviewer", name: "Reviewer" }] });
  expect((await create(server)).status).toBe(422);
});

test("--profiles are those of a folder beside the others, as it is at the moment", async () => {
  using folder = temporaryFolder();
  const profiles = join(folder.path, "profiles");
  mkdirSync(join(profiles, "reviewer"), { recursive: true });
  const file = join(profiles, "reviewer/profile.json");
  writeFileSync(file, '{ "name": "Reviewer" }');
  const server = await startServer({ settings: await settingsFor(folder.path, { profiles }), log, environment: {} });
  running.push(server);
  const names = async () => {
    const response = await fetch(`${server.url}/agent-profiles`, { headers: { "x-api-key": server.apiKey.key } });
    return ((await response.json()) as { profiles: { name: string }[] }).profiles.map(({ name }) => name);
  };
  expect(await names()).toEqual(["Reviewer", "Default Agent"]);
  writeFileSync(file, '{ "name": "Renamed" }');
  expect(await names()).toEqual(["Renamed", "Default Agent"]);
});

test("the welcome shows a key once, and warns of what is not fenced", async () => {
  using folder = temporaryFolder();
  const settings = await settingsFor(folder.path);
  const server = await start(folder.path);
  expect(welcome(server, settings)).toContain(server.apiKey.key);
  expect(welcome(server, settings)).toContain("NO ISOLATION");
  expect(welcome(server, settings)).toContain("scripted, no AI");
  expect(welcome(server, settings)).toContain(`Open      ${server.url}/#key=`);
  expect(welcome(server, settings).split(server.apiKey.key)).toHaveLength(2);
  await server.close();
  const next = await start(folder.path);
  const again = welcome(next, settings);
  expect(again).not.toContain(server.apiKey.key);
  const token = /#key=(\S+)/.exec(again)?.[1] ?? "";
  expect(await session(next.url, token)).toMatchObject({ rights: ["read", "write", "manage"] });
  expect(again).toContain(`${folder.path}/api-key`);
});
