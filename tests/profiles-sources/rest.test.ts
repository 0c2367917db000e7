import type { PersistenceAdapter } from "@hhopkins/agent-runtime";
import { createAgentRuntime, profileFolder } from "@hhopkins/agent-runtime";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { mysqlPersistence } from "@hhopkins/agent-runtime/persistence/mysql";
import { postgresPersistence } from "@hhopkins/agent-runtime/persistence/postgres";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { unsafeProcessSandbox } from "@hhopkins/agent-runtime/sandbox/unsafe-process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { testDatabase, type DatabaseKind } from "../testing/test-database.ts";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "agent-runtime-profiles-rest-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A server on this store, without any sandbox; answers status and body of a request. */
async function serve(persistence: PersistenceAdapter, more: { profiles?: string; tenant?: string } = {}) {
  const dataDir = temporaryFolder();
  const runtime = await createAgentRuntime({
    persistence,
    sandbox: unsafeProcessSandbox({ dataDir }),
    dataDir,
    boundSecrets: { GITHUB: ["*.github.com"], PRIVATE: ["10.0.0.7:8443"] },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    ...(more.profiles === undefined ? {} : { profiles: profileFolder(more.profiles) }),
    authenticate: () => ({ id: "someone", tenant: more.tenant ?? "default" }),
  });
  onTestFinished(() => runtime.shutdown());
  await runtime.start();
  const rest = runtime.createRestServer();
  return async (method: string, path: string, body?: unknown) => {
    const json = { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const request = new Request(`http://runtime.test${path}`, { method, ...(body === undefined ? {} : json) });
    const response = await rest.fetch(request);
    const text = await response.text();
    return { status: response.status, body: (text === "" ? null : JSON.parse(text)) as Record<string, unknown> };
  };
}

const reviewer = {
  id: "reviewer",
  name: "Reviewer \u0000 é",
  description: "Reviews",
  skills: [{ name: "counting", description: "Counts", skillMd: "# Count" }],
  environmentVariables: { TOKEN: { secret: "GITHUB", hosts: ["api.github.com"] } },
};

/** A text says why there is none. */
const STORES: Record<string, () => Promise<PersistenceAdapter | string>> = {
  memory: async () => memoryPersistence(),
  sqlite: async () => sqlitePersistence({ file: join(temporaryFolder(), "test.db") }),
  postgres: () => onDatabase("postgres", (url) => postgresPersistence({ connectionString: url })),
  mysql: () => onDatabase("mysql", (url) => mysqlPersistence({ uri: url })),
};

async function onDatabase(kind: DatabaseKind, adapter: (url: string) => PersistenceAdapter) {
  const database = await testDatabase(kind);
  if (typeof database === "string") return database;
  onTestFinished(async () => database[Symbol.asyncDispose]());
  return adapter(database.url());
}

describe.each(Object.entries(STORES))("on %s", (_name, storeOf) => {
  test("a profile is made, read, listed, changed and removed; a session keeps what it began with", async (context) => {
    const store = await storeOf();
    if (typeof store === "string") return context.skip(store);
    const ask = await serve(store);
    const made = await ask("POST", "/agent-profiles", reviewer);
    expect(made).toEqual({ status: 201, body: { profile: reviewer, version: expect.any(String) as string } });
    expect(await ask("GET", "/agent-profiles/reviewer")).toEqual({ status: 200, body: made.body });
    expect((await ask("GET", "/agent-profiles")).body["profiles"]).toEqual([
      expect.objectContaining({ id: "default" }) as object,
      { id: "reviewer", name: reviewer.name, description: "Reviews" },
    ]);
    const creation = { agentProfileRef: "reviewer", architecture: "claude-agent-sdk" };
    const session = (await ask("POST", "/sessions/create", creation)).body["sessionId"] as string;
    const changed = await ask("PUT", "/agent-profiles/reviewer", { id: "reviewer", name: "Other" });
    expect(changed.status).toBe(200);
    expect(changed.body["version"]).not.toBe(made.body["version"]);
    expect((await ask("PUT", "/agent-profiles/reviewer", { id: "reviewer", name: "Other" })).body).toEqual(
      changed.body,
    );
    expect((await ask("GET", `/sessions/${session}`)).body["profileVersion"]).toBe(made.body["version"]);
    expect(await ask("POST", "/agent-profiles", reviewer)).toMatchObject({ status: 409, body: { error: "conflict" } });
    expect((await ask("DELETE", "/agent-profiles/reviewer")).status).toBe(204);
    for (const [method, body] of [["GET"], ["DELETE"], ["PUT", reviewer]] as const) {
      const gone = await ask(method, "/agent-profiles/reviewer", body);
      expect(gone).toMatchObject({ status: 404, body: { error: "not_found" } });
    }
  });
});

test("profiles are there after a restart", async () => {
  const file = join(temporaryFolder(), "test.db");
  const first = sqlitePersistence({ file });
  await first.open?.();
  await first.profiles?.create(reviewer);
  await first.close?.();
  const ask = await serve(sqlitePersistence({ file }));
  expect((await ask("GET", "/agent-profiles/reviewer")).body["profile"]).toEqual(reviewer);
});

describe("refused", () => {
  test.each<[string, string, unknown, number, object]>([
    ["POST", "/agent-profiles", { id: "x" }, 400, { field: "body.name" }],
    ["POST", "/agent-profiles", { ...reviewer, tool: [] }, 400, { field: "body.tool" }],
    [
      "POST",
      "/agent-profiles",
      { ...reviewer, skills: [{ name: "s", description: "", skillMd: "" }] },
      400,
      { field: "body.skills.0.description" },
    ],
    ["PUT", "/agent-profiles/other", reviewer, 400, { field: "body.id" }],
    [
      "POST",
      "/agent-profiles",
      {
        ...reviewer,
        bundledMCPs: [{ name: "a", description: "", localProjectPath: "/etc", startCommand: "x", installCommand: "x" }],
      },
      403,
      { error: "forbidden", field: "body.bundledMCPs.0.localProjectPath" },
    ],
    [
      "PUT",
      "/agent-profiles/reviewer",
      { ...reviewer, environmentVariables: { A: "b", TOKEN: { secret: "FREE", hosts: ["mine.example"] } } },
      403,
      { error: "forbidden", field: "body.environmentVariables.TOKEN.secret" },
    ],
    [
      "POST",
      "/agent-profiles",
      { ...reviewer, environmentVariables: { TOKEN: { secret: "GITHUB", hosts: ["api.github.com", "mine.example"] } } },
      403,
      { error: "forbidden", field: "body.environmentVariables.TOKEN.hosts.1" },
    ],
    [
      "POST",
      "/agent-profiles",
      {
        ...reviewer,
        externalMCPs: [
          { name: "a", command: "a", env: { KEY: { secret: "GITHUB", hosts: ["api.github.com"] } } },
          {
            name: "b",
            type: "http",
            url: "https://b.example",
            headers: { A: { secret: "PRIVATE", hosts: ["b.example"] } },
          },
        ],
      },
      403,
      { error: "forbidden", field: "body.externalMCPs.1.headers.A.hosts.0" },
    ],
    [
      "POST",
      "/agent-profiles",
      { ...reviewer, environmentVariables: { TOKEN: { secret: "GITHUB", hosts: ["api.github.com:70000"] } } },
      400,
      { error: "invalid_request" },
    ],
    ["PUT", "/agent-profiles/default", { id: "default", name: "Mine" }, 409, { error: "conflict" }],
    ["DELETE", "/agent-profiles/default", undefined, 409, { error: "conflict" }],
    ["DELETE", "/agent-profiles/on-disk", undefined, 409, { error: "conflict" }],
    ["POST", "/agent-profiles", { id: "on-disk", name: "Mine" }, 409, { error: "conflict" }],
  ])("%s %s %j", async (...[method, path, body, status, problem]) => {
    const profiles = temporaryFolder();
    mkdirSync(join(profiles, "on-disk"));
    writeFileSync(join(profiles, "on-disk/CLAUDE.md"), "memory");
    const ask = await serve(memoryPersistence(), { profiles });
    expect(await ask(method, path, body)).toMatchObject({ status, body: problem });
    expect((await ask("GET", "/agent-profiles/on-disk")).body["profile"]).toMatchObject({ agentMDFile: "memory" });
  });

  test("another tenant than the default one reads and does not change", async () => {
    const ask = await serve(memoryPersistence(), { tenant: "other" });
    expect(await ask("POST", "/agent-profiles", reviewer)).toMatchObject({ status: 403, body: { error: "forbidden" } });
    expect((await ask("GET", "/agent-profiles/default")).status).toBe(200);
  });

  test("one that cannot be changed here says why when it is read", async () => {
    const profiles = temporaryFolder();
    mkdirSync(join(profiles, "on-disk"));
    writeFileSync(join(profiles, "on-disk/CLAUDE.md"), "memory");
    const ask = await serve(memoryPersistence(), { profiles });
    await ask("POST", "/agent-profiles", reviewer);
    const why = async (id: string): Promise<unknown> => (await ask("GET", `/agent-profiles/${id}`)).body["readOnly"];
    expect(await why("reviewer")).toBeUndefined();
    expect(await why("on-disk")).toMatch(/comes from the server's own folder: change it there/);
    expect(await why("default")).toMatch(/is one of the server's configuration: change it there/);
    const { profiles: _none, ...keepsNone } = memoryPersistence();
    const without = await serve(keepsNone);
    expect((await without("GET", "/agent-profiles/default")).body["readOnly"]).toMatch(/adapter keeps no profiles/);
  });

  test("an adapter that keeps no profiles says so", async () => {
    const { profiles: _profiles, ...adapter } = memoryPersistence();
    const ask = await serve(adapter);
    for (const [method, path, body] of [
      ["POST", "/agent-profiles", reviewer],
      ["PUT", "/agent-profiles/reviewer", reviewer],
      ["DELETE", "/agent-profiles/reviewer", undefined],
    ] as const) {
      expect(await ask(method, path, body)).toMatchObject({ status: 501, body: { error: "not_supported" } });
    }
  });
});
