import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { environmentNameOf, flagOf, OPTION_NAMES } from "./options.ts";
import { resolveSettings } from "./settings.ts";

/** A folder without a configuration file. */
const folder = "/";

const resolve = (flags: Record<string, unknown> = {}, environment: Record<string, string> = {}) =>
  resolveSettings({ flags, environment, folder });

test("defaults", async () => {
  expect(await resolve()).toEqual({
    host: "127.0.0.1",
    port: 3001,
    dataDir: ".agent-runtime",
    persistence: "sqlite",
    sandbox: "local",
    corsOrigins: [],
    logLevel: "info",
  });
});

test("every option has the flag and the variable of the contract", () => {
  expect(OPTION_NAMES.map((name) => [flagOf(name), environmentNameOf(name)])).toEqual([
    ["--host", "AGENT_RUNTIME_HOST"],
    ["--port", "AGENT_RUNTIME_PORT"],
    ["--data-dir", "AGENT_RUNTIME_DATA_DIR"],
    ["--persistence", "AGENT_RUNTIME_PERSISTENCE"],
    ["--profiles", "AGENT_RUNTIME_PROFILES"],
    ["--sandbox", "AGENT_RUNTIME_SANDBOX"],
    ["--docker-image", "AGENT_RUNTIME_DOCKER_IMAGE"],
    ["--model", "AGENT_RUNTIME_MODEL"],
    ["--gateway", "AGENT_RUNTIME_GATEWAY"],
    ["--gateway-url", "AGENT_RUNTIME_GATEWAY_URL"],
    ["--allowed-hosts", "AGENT_RUNTIME_ALLOWED_HOSTS"],
    ["--bound-secrets", "AGENT_RUNTIME_BOUND_SECRETS"],
    ["--npm-registry", "AGENT_RUNTIME_NPM_REGISTRY"],
    ["--pip-index", "AGENT_RUNTIME_PIP_INDEX"],
    ["--registry-hosts", "AGENT_RUNTIME_REGISTRY_HOSTS"],
    ["--api-key", "AGENT_RUNTIME_API_KEY"],
    ["--idle-timeout-ms", "AGENT_RUNTIME_IDLE_TIMEOUT_MS"],
    ["--sync-interval-ms", "AGENT_RUNTIME_SYNC_INTERVAL_MS"],
    ["--max-sandboxes", "AGENT_RUNTIME_MAX_SANDBOXES"],
    ["--max-waiting", "AGENT_RUNTIME_MAX_WAITING"],
    ["--lease-ms", "AGENT_RUNTIME_LEASE_MS"],
    ["--bus", "AGENT_RUNTIME_BUS"],
    ["--warm-pool", "AGENT_RUNTIME_WARM_POOL"],
    ["--sandbox-limits", "AGENT_RUNTIME_SANDBOX_LIMITS"],
    ["--cors-origin", "AGENT_RUNTIME_CORS_ORIGIN"],
    ["--log-level", "AGENT_RUNTIME_LOG_LEVEL"],
  ]);
});

describe("each option from flag and environment", () => {
  test.each([
    ["host", "0.0.0.0", { host: "0.0.0.0" }],
    ["port", "0", { port: 0 }],
    ["dataDir", "/data", { dataDir: "/data" }],
    ["persistence", "memory", { persistence: "memory" }],
    ["profiles", "agents", { profilesFolder: "agents" }],
    ["sandbox", "unsafe-process", { sandbox: "unsafe-process" }],
    ["dockerImage", "image:tag", { dockerImage: "image:tag" }],
    ["model", "scripted", { model: "scripted" }],
    ["gateway", "external", { gateway: "external" }],
    ["gatewayUrl", "https://a.example/gateway", { gatewayUrl: "https://a.example/gateway" }],
    ["allowedHosts", "a.example, *.b.example", { allowedHosts: ["a.example", "*.b.example"] }],
    [
      "boundSecrets",
      "A=a.example, A=b.example:8443,B=*.c",
      { boundSecrets: { A: ["a.example", "b.example:8443"], B: ["*.c"] } },
    ],
    ["npmRegistry", "https://npm.example/", { npmRegistry: "https://npm.example/" }],
    ["pipIndex", "https://pip.example/simple/", { pipIndex: "https://pip.example/simple/" }],
    ["registryHosts", "a.example,b.example", { registryHosts: ["a.example", "b.example"] }],
    ["apiKey", "k", { apiKey: "k" }],
    ["idleTimeoutMs", "1000", { idleTimeoutMs: 1000 }],
    ["syncIntervalMs", "1000", { syncIntervalMs: 1000 }],
    ["maxSandboxes", "3", { maxSandboxes: 3 }],
    ["warmPool", "default=2, a=b=1", { warmPool: { default: 2, "a=b": 1 } }],
    [
      "sandboxLimits",
      "memory=1.5GiB, cpus=0.5,processes=9,open-files=8,file-size=7,disk=6MiB",
      {
        sandboxLimits: {
          memoryBytes: 1.5 * 2 ** 30,
          cpus: 0.5,
          processes: 9,
          openFiles: 8,
          fileBytes: 7,
          diskBytes: 6 * 2 ** 20,
        },
      },
    ],
    ["corsOrigin", "https://a.example, *", { corsOrigins: ["https://a.example", "*"] }],
    ["logLevel", "debug", { logLevel: "debug" }],
  ] as const)("%s", async (name, value, expected) => {
    expect(await resolve({ [name]: value })).toMatchObject(expected);
    expect(await resolve({}, { [environmentNameOf(name)]: value })).toMatchObject(expected);
  });
});

test("flag before environment before file before default", async () => {
  using temporary = temporaryFolder();
  writeFileSync(
    join(temporary.path, "agent-runtime.config.ts"),
    'export default { port: 1, host: "a", logLevel: "warn" } as const;',
  );
  const environment = { AGENT_RUNTIME_PORT: "2", AGENT_RUNTIME_HOST: "b" };
  const settings = await resolveSettings({ flags: { port: "3" }, environment, folder: temporary.path });
  expect(settings).toMatchObject({ port: 3, host: "b", logLevel: "warn", sandbox: "local" });
});

describe("the configuration file", () => {
  const read = async (text: string) => {
    using temporary = temporaryFolder();
    writeFileSync(join(temporary.path, "agent-runtime.config.ts"), text);
    return await resolveSettings({ flags: {}, environment: {}, folder: temporary.path });
  };

  test("brings profiles", async () => {
    const settings = await read(
      'export default { profiles: [{ id: "p", name: "P" }], corsOrigin: ["https://a.example"] };',
    );
    expect(settings).toMatchObject({ profiles: [{ id: "p", name: "P" }], corsOrigins: ["https://a.example"] });
    expect(await read('export default { profiles: "agents" };')).toMatchObject({ profilesFolder: "agents" });
  });

  test.each([
    ["export default { prot: 1 };", /unknown prot\. Known are host, port/],
    ['export default { port: "x" };', /agent-runtime\.config\.ts: port must be a number/],
    ['export default { profiles: [{ id: "p", nmae: "P" }] };', /profiles\.0/],
    ["export default { profiles: 5 };", /agent-runtime\.config\.ts: profiles must be a folder/],
    ["export default [];", /default export/],
    ["export const port = 1;", /default export/],
    ["export default {", /cannot be read/],
  ])("%s", async (text, message) => {
    await expect(read(text)).rejects.toMatchObject({
      code: "invalid_configuration",
      message: expect.stringMatching(message) as string,
    });
  });
});

describe("what is wrong names its place", () => {
  test.each([
    [{ port: "x" }, {}, "--port must be a number."],
    [{ port: "70000" }, {}, /^--port/],
    [{}, { AGENT_RUNTIME_MODEL: "gpt" }, "AGENT_RUNTIME_MODEL must be real or scripted."],
    [{ corsOrigin: "https://a.example/path" }, {}, /^--cors-origin must be origins/],
    [{ idleTimeoutMs: "0" }, {}, /^--idle-timeout-ms/],
    [{ apiKey: "" }, {}, /^--api-key/],
    [{ gatewayUrl: "agents.example" }, {}, "--gateway-url must be a URL"],
    [{ persistence: "oracle" }, {}, "--persistence can be sqlite, memory, postgres://… or mysql://…."],
    [{ sandbox: "none" }, {}, "--sandbox can be local, docker, modal or unsafe-process."],
    [
      { persistence: "mssql://user:secret@host/db" },
      {},
      "--persistence can be sqlite, memory, postgres://… or mysql://….",
    ],
    [{ leaseMs: "0" }, {}, /^--lease-ms/],
    [{ maxWaiting: "-1" }, {}, /^--max-waiting/],
    [{ bus: "amqp://host" }, {}, "--bus must begin with redis://, rediss://, nats:// or tls://."],
    [{ profiles: "" }, {}, "--profiles must be a folder."],
  ] as [Record<string, string>, Record<string, string>, string | RegExp][])(
    "%j %j",
    async (flags, environment, message) => {
      await expect(resolve(flags, environment)).rejects.toMatchObject({ code: "invalid_configuration" });
      await expect(resolve(flags, environment)).rejects.toThrow(message);
    },
  );
});
