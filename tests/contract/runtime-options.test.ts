import { createAgentRuntime, RuntimeError, type PersistenceAdapter } from "@hhopkins/agent-runtime";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { script } from "@hhopkins/agent-runtime-testkit";
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { nineMethodAdapter } from "./nine-methods.ts";
import { emptyProvider } from "./providers.ts";
import { Recorder } from "./recorder.ts";
import { KEY, runningServer, type RunningServer } from "./running-server.ts";

const WAIT = { timeout: 60_000, interval: 10 };
const LONG = script([{ text: "word ".repeat(100), delayMs: 20 }, { text: "more" }]);
const bash = (command: string) =>
  script([{ tools: [{ name: "Bash", input: { command, description: "Run" } }] }, { text: "done" }]);

/** Sends a message and waits for its turn's end. */
async function turn(server: RunningServer, sessionId: string, content: string) {
  const recorder = await Recorder.follow(server.wsUrl, sessionId, KEY);
  const { json } = await server.send(sessionId, content);
  const end = await recorder.turnOf(json.messageId as string);
  recorder.close();
  return end;
}

const refusing = () => emptyProvider(() => Promise.reject(new RuntimeError("sandbox_unavailable", "Nothing here.")));

test("an option that is none, or of the wrong kind, is refused by name", async () => {
  const wrong: [object, string][] = [
    [{ idleTimeout: 5 }, "idleTimeout"],
    [{ idleTimeoutMs: -1 }, "idleTimeoutMs"],
    [{ maxSandboxes: "2" }, "maxSandboxes"],
    [{ warmPool: { default: -1 } }, "warmPool.default"],
    [{ maxWaiting: -1 }, "maxWaiting"],
    [{ cluster: { leaseMs: 100 } }, "cluster.leaseMs"],
    [{ cluster: { pollMs: 0 } }, "cluster.pollMs"],
    [{ cluster: { lease: 1000 } }, "cluster.lease"],
    [{ bus: {} }, "bus"],
    [{ auth: "basic" }, "auth"],
    [{ tokenSecret: "short" }, "tokenSecret"],
    [{ gateway: { publicURL: "https://a.example" } }, "gateway.publicURL"],
    [{ gateway: { publicUrl: "a.example" } }, "gateway.publicUrl"],
    [{ gateway: { external: true, unsafeKeyInSandbox: true } }, "gateway.unsafeKeyInSandbox"],
    [{ network: { allowedHosts: ["https://a.example"] } }, "network.allowedHosts"],
    [{ sandbox: refusing(), modal: { tokenId: "a", tokenSecret: "b", appName: "c" } }, "modal"],
  ];
  for (const [config, field] of wrong) {
    await expect(createAgentRuntime(config)).rejects.toMatchObject({ code: "invalid_configuration", field });
  }
});

test("persistence is a SQLite file in dataDir by default", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-"));
  const open = async () => createAgentRuntime({ dataDir, sandbox: refusing() });
  const first = await open();
  await first.start();
  const { sessionId } = await first.sessionManager.createSession({
    agentProfileRef: "default",
    architecture: "claude-agent-sdk",
  });
  await first.shutdown();
  await access(join(dataDir, "agent-runtime.db"));
  const second = await open();
  await second.start();
  expect((await second.sessionManager.loadSession(sessionId)).getState().agentProfileReference).toBe("default");
  await second.shutdown();
  await rm(dataDir, { recursive: true });
});

test("sandbox: the given provider is asked, with the deployment's name; its refusal ends the turn", async () => {
  const sandbox = refusing();
  await using server = await runningServer({ config: { sandbox, deployment: "mine" } });
  const sessionId = await server.create();
  expect(sandbox.specs).toEqual([]);
  const end = await turn(server, sessionId, "hello");
  expect(end).toMatchObject({ status: "failed", error: { code: "sandbox_unavailable", message: "Nothing here." } });
  const tags = { deployment: "mine", tenant: "default", session: sessionId, generation: "1" };
  expect(sandbox.specs.map((spec) => spec.tags)).toEqual([tags]);
  expect(sandbox.listed).toEqual(["mine"]);
  const state = await server.state(sessionId);
  expect(state.runtime.sandbox).toMatchObject({ status: "error", statusMessage: "Nothing here." });
  expect(state.blocks.at(-1)).toMatchObject({ type: "error", code: "sandbox_unavailable" });
});

test("modal: its sandboxes are Modal's, and wrong credentials end the turn, not the server", async () => {
  vi.stubEnv("MODAL_SERVER_URL", "http://127.0.0.1:9");
  await using server = await runningServer({
    config: { modal: { tokenId: "ak-x", tokenSecret: "as-x", appName: "app" } },
  });
  const end = await turn(server, await server.create(), "hello");
  expect(end.status).toBe("failed");
  expect(["sandbox_credentials", "sandbox_unavailable"]).toContain(end.error?.code);
  expect((await server.call("GET", "/health")).status).toBe(200);
  vi.unstubAllEnvs();
});

test("authenticate tells who asks, and tenants are apart", async () => {
  const authenticate = (request: Request) => {
    const name = request.headers.get("x-user");
    return name === null ? null : { id: name, tenant: name };
  };
  await using server = await runningServer({ config: { authenticate } });
  expect((await server.call("GET", "/sessions")).status).toBe(401);
  const body = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
  const made = await server.call("POST", "/sessions/create", body, { "x-user": "anna" });
  const path = `/sessions/${made.json.sessionId}`;
  expect((await server.call("GET", path, undefined, { "x-user": "anna" })).status).toBe(200);
  expect((await server.call("GET", path, undefined, { "x-user": "bert" })).status).toBe(404);
});

test("auth none serves everybody; without it and without a key nobody is served", async () => {
  const errors: string[] = [];
  const ignore = () => undefined;
  const logger = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (_detail: object, message: string) => void errors.push(message),
  };
  const ask = async (runtime: Awaited<ReturnType<typeof createAgentRuntime>>) => {
    return (await runtime.createRestServer().fetch(new Request("http://x/agent-profiles"))).status;
  };
  const { memoryPersistence } = await import("@hhopkins/agent-runtime/persistence/memory");
  const common = { persistence: memoryPersistence(), sandbox: refusing(), logger };
  const open = await createAgentRuntime({ ...common, auth: "none" });
  const closed = await createAgentRuntime(common);
  await open.start();
  expect(await ask(open)).toBe(200);
  expect(errors).toEqual([]);
  expect(await ask(closed)).toBe(403);
  expect(errors).toEqual([expect.stringContaining("no key")]);
  await open.shutdown();
});

test("credentials are asked for by session, and stay outside of the sandbox", async () => {
  const asked: string[] = [];
  let baseUrl = "";
  const credentials = async (session: { sessionId: string }) => {
    asked.push(session.sessionId);
    return { baseUrl, apiKey: "canary-key" };
  };
  await using server = await runningServer({ config: { credentials } });
  baseUrl = server.model.url;
  const sessionId = await server.create();
  await turn(
    server,
    sessionId,
    bash(
      "env; cat /proc/*/environ | tr '\\0' '\\n'; grep -rs canary-key / --include=* -l --exclude-dir=proc --exclude-dir=sys --exclude-dir=usr || true",
    ),
  );
  expect(new Set(asked)).toEqual(new Set([sessionId]));
  const { blocks } = await server.state(sessionId);
  const result = blocks.find((block) => block.type === "tool_result");
  expect(result?.content).toContain("ANTHROPIC_BASE_URL");
  expect(JSON.stringify(result)).not.toContain("canary-key");
});

test("maxSandboxes: a session beyond it is pending, with its place, until another's sandbox ends", async () => {
  await using server = await runningServer({ config: { maxSandboxes: 1 } });
  const [one, two] = [await server.create(), await server.create()];
  await turn(server, one, script([{ text: "first" }]));
  const waiting = await Recorder.follow(server.wsUrl, two, KEY);
  await server.send(two, script([{ text: "second" }]), { messageId: "m" });
  const status = await waiting.seen("session:status", ({ runtime }) => runtime.sandbox?.status === "pending");
  expect(status.runtime.sandbox?.statusMessage).toContain("place 1");
  await server.call("POST", `/sessions/${one}/unload`);
  expect((await waiting.turnOf("m")).status).toBe("completed");
  waiting.close();
});

test("idleTimeoutMs: an idle session is saved, its sandbox ended, and it is unloaded", async () => {
  await using server = await runningServer({ config: { idleTimeoutMs: 200 } });
  const sessionId = await server.create();
  await turn(server, sessionId, bash("echo kept > kept.txt"));
  await vi.waitUntil(() => server.runtime.sessionManager.getLoadedSessions().length === 0, WAIT);
  const state = await server.state(sessionId);
  expect(state.runtime).toMatchObject({ isLoaded: false, sandbox: { status: "terminated" } });
  expect((await server.call("GET", `/sessions/${sessionId}/files/kept.txt`)).json).toBe("kept\n");
});

test("syncIntervalMs: a nine-method adapter has what a running turn said within it", async () => {
  const adapter = nineMethodAdapter();
  await using server = await runningServer({ config: { persistence: adapter, syncIntervalMs: 20 } });
  const sessionId = await server.create();
  await server.send(sessionId, script([{ text: "half a sentence", chunk: 100, dropAfter: { deltas: 1 } }]));
  await vi.waitUntil(
    () => adapter.sessions.get(sessionId)?.rawTranscript?.includes("session:block:delta") === true,
    WAIT,
  );
  expect((await server.state(sessionId)).turn).not.toBeNull();
  await server.call("POST", `/sessions/${sessionId}/interrupt`);
});

test("syncIntervalMs: what came since the last turn's end waits for it", async () => {
  const adapter = nineMethodAdapter();
  await using server = await runningServer({ config: { persistence: adapter, syncIntervalMs: 3_600_000 } });
  const sessionId = await server.create();
  const recorder = await Recorder.follow(server.wsUrl, sessionId, KEY);
  await server.send(sessionId, LONG, { messageId: "m" });
  await recorder.seen("session:block:delta");
  expect(adapter.sessions.get(sessionId)?.rawTranscript).not.toContain("session:block:delta");
  await recorder.turnOf("m");
  expect(adapter.sessions.get(sessionId)?.rawTranscript).toContain("session:block:delta");
  recorder.close();
});

test("sandboxStartTimeoutMs bounds the start of a sandbox", async () => {
  const sandbox = emptyProvider(
    (_spec, { signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
      ),
  );
  await using server = await runningServer({ config: { sandbox, sandboxStartTimeoutMs: 30 } });
  const end = await turn(server, await server.create(), "hello");
  expect(end.error).toMatchObject({
    code: "sandbox_unavailable",
    message: expect.stringContaining("in time") as string,
  });
});

test("shutdownGraceMs: a running turn may end by itself; without the time it goes on in its sandbox", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agent-runtime-"));
  const config = () => ({ dataDir: folder, persistence: sqlitePersistence({ file: join(folder, "kept.db") }) });
  const server = await runningServer({ config: { ...config(), shutdownGraceMs: 1 } });
  const sessionId = await server.create();
  const recorder = await Recorder.follow(server.wsUrl, sessionId, KEY);
  await server.send(sessionId, LONG, { messageId: "m" });
  await recorder.seen("session:block:delta");
  recorder.close();
  await server.runtime.shutdown();
  const next = await runningServer({
    config: {
      ...config(),
      credentials: async () => ({ baseUrl: server.model.url, apiKey: "k" }),
      shutdownGraceMs: 30_000,
    },
  });
  expect((await next.state(sessionId)).turn).not.toBeNull();
  await next.runtime.shutdown();
  const adapter: PersistenceAdapter = config().persistence;
  await adapter.open?.();
  const saved = await adapter.loadSession(sessionId);
  expect(saved?.rawTranscript).toContain("session:turn:completed");
  await adapter.close?.();
  await next[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("ignoreFiles and maxFileBytes: what is not tracked, and what is listed without its bytes", async () => {
  await using server = await runningServer({ config: { ignoreFiles: ["skipped"], maxFileBytes: 10 } });
  const sessionId = await server.create();
  await turn(
    server,
    sessionId,
    bash(
      "mkdir -p skipped .cache && touch skipped/a .cache/b && printf small > small.txt && printf 'more than ten bytes' > large.txt",
    ),
  );
  const { files } = (await server.call("GET", `/sessions/${sessionId}/files`)).json as {
    files: { path: string; size: number }[];
  };
  expect(files.map(({ path, size }) => `${path} ${size}`).toSorted()).toEqual([
    ".cache/b 0",
    "large.txt 19",
    "small.txt 5",
  ]);
  expect((await server.call("GET", `/sessions/${sessionId}/files/small.txt`)).json).toBe("small");
  expect((await server.call("GET", `/sessions/${sessionId}/files/large.txt`)).json).toMatchObject({
    error: "file_not_found",
  });
});

test("logger is told what goes wrong, and no key or text of a message", async () => {
  const lines: string[] = [];
  const write = (detail: object, message: string) =>
    void lines.push(JSON.stringify([detail, message, "err" in detail ? String(detail.err) : ""]));
  await using server = await runningServer({
    config: {
      persistence: nineMethodAdapter(),
      logger: { debug: () => undefined, info: write, warn: write, error: write },
    },
  });
  const stub: PersistenceAdapter = { ...nineMethodAdapter(), loadSession: async () => null };
  const quiet = await createAgentRuntime({
    persistence: stub,
    sandbox: refusing(),
    logger: { debug: write, info: write, warn: write, error: write },
  });
  await quiet.start();
  await quiet.sessionManager.createSession({ agentProfileRef: "default", architecture: "claude-agent-sdk" });
  await quiet.sessionManager.createSession({ agentProfileRef: "default", architecture: "claude-agent-sdk" });
  await quiet.shutdown();
  expect(lines.filter((line) => line.includes("stay in memory"))).toHaveLength(1);
  const sessionId = await server.create();
  await turn(server, sessionId, script([{ text: "a secret text" }]));
  expect(lines.join("\n")).not.toMatch(/secret text|model-key|test-key/);
});
