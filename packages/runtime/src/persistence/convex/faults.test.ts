import { createServer } from "node:http";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import type { ErrorCode, RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { loadConvex } from "./client.ts";
import { convexError } from "./errors.ts";
import { convexPersistence } from "./index.ts";
import { TEST_SECRET } from "./testing/deployment.ts";
import { createSession, delta, deploymentForTest, failure, KEY, openedStore } from "./testing/stores.ts";

process.env["AGENT_RUNTIME_SECRET"] = TEST_SECRET;
const OTHER_SECRET = "another-secret-that-is-long-enough-to-be-one";

afterEach(() => {
  process.env["AGENT_RUNTIME_SECRET"] = TEST_SECRET;
  vi.restoreAllMocks();
});

function expectError(error: unknown, code: ErrorCode, text: RegExp): void {
  expect(error).toMatchObject({ code });
  expect((error as Error).message).toMatch(text);
}

async function openFailure(url: string, secret = TEST_SECRET): Promise<RuntimeError> {
  return await failure(convexPersistence({ url, secret }).open?.());
}

/** Something else that answers at an address. */
async function otherServer(status: number, type: string, body: string): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status, { "content-type": type }).end(body));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("opening", () => {
  test("a url that is none, and a secret that is too short, are named", () => {
    for (const url of ["", "happy-animal-123", "ftp://x"]) {
      expect(() => convexPersistence({ url, secret: TEST_SECRET })).toThrow(/convexPersistence: url: is no address/);
    }
    expect(() => convexPersistence({ url: "https://x.convex.cloud", secret: "short" })).toThrow(
      /convexPersistence: secret: must have 32 characters/,
    );
  });

  test("profiles are listed, and checked", async () => {
    const profile = { id: "mine", name: "Mine", systemPrompt: "Be brief." };
    const options = { url: "http://127.0.0.1:1", secret: TEST_SECRET };
    const adapter = convexPersistence({ ...options, profiles: [profile] });
    expect(await adapter.listAgentProfiles()).toEqual([{ id: "mine", name: "Mine" }]);
    expect(await adapter.loadAgentProfile("mine")).toEqual(profile);
    expect(() => convexPersistence({ ...options, profiles: [profile, profile] })).toThrow("two have the id mine");
  });

  test("servers that share a deployment are asked for: without cluster it has none of it", () => {
    const options = { url: "http://127.0.0.1:1", secret: TEST_SECRET };
    expect(convexPersistence(options).store.cluster).toBeUndefined();
    expect(convexPersistence({ ...options, cluster: true }).store.cluster).toBeDefined();
  });

  test("without the package the error says what to install", async () => {
    const missing = () =>
      loadConvex(async () => {
        throw new Error("Cannot find package 'convex'");
      });
    const adapter = convexPersistence({ url: "http://127.0.0.1:1", secret: TEST_SECRET }, missing);
    expectError(await failure(adapter.open?.()), "missing_dependency", /npm install convex@\d+\.\d+\.\d+/);
  });

  test("nobody is there", async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const free = (server.address() as AddressInfo).port;
    server.close();
    await once(server, "close");
    const error = await openFailure(`http://127.0.0.1:${free}`);
    expectError(error, "persistence_unavailable", /cannot be reached: is the url right.*ECONNREFUSED/);
  });

  test("something else answers there", async () => {
    const page = await otherServer(404, "text/html", "<!doctype html><html></html>");
    expectError(await openFailure(page), "persistence_unavailable", /no Convex deployment.*\.convex\.cloud/);
    const json = await otherServer(200, "application/json", `{"hello":"world"}`);
    expectError(await openFailure(json), "persistence_unavailable", /no Convex deployment/);
    const text = await otherServer(200, "text/plain", "hello");
    expectError(await openFailure(text), "persistence_unavailable", /no Convex deployment/);
  });

  test("another secret, and none in the deployment", async () => {
    const deployment = await deploymentForTest();
    const wrong = await openFailure(deployment.url, OTHER_SECRET);
    expectError(wrong, "invalid_configuration", /secret: the deployment has another one.*convex env get/);
    expect(wrong.message).not.toContain(OTHER_SECRET);
    for (const none of ["", "short"]) {
      process.env["AGENT_RUNTIME_SECRET"] = none;
      const error = await openFailure(deployment.url);
      expectError(error, "invalid_configuration", /no secret.*npx convex env set AGENT_RUNTIME_SECRET/);
    }
  });

  test("functions that were not copied, and tables that are not in the schema", async () => {
    const empty = await deploymentForTest({ missing: ["version.ts"] });
    const text = /lacks our functions: copy them with `agent-runtime convex-functions`.*npx convex deploy/;
    expectError(await openFailure(empty.url), "invalid_configuration", text);
    const schemaless = await deploymentForTest({ tables: false });
    const tables = /lacks our tables: spread `agentRuntimeTables`.*convex\/schema\.ts/;
    expectError(await openFailure(schemaless.url), "invalid_configuration", tables);
  });

  test.for([
    [0, /older than this adapter \(0, not 1\): copy the functions anew/],
    [2, /newer than this adapter \(2, not 1\): use the version/],
  ] as const)("functions of version %s are refused, and nothing is changed", async ([version, text]) => {
    const answer = JSON.stringify({ status: "success", value: { version }, logLines: [] });
    const url = await otherServer(200, "application/json", answer);
    expectError(await openFailure(url), "invalid_configuration", text);
  });

  test("before it is opened, and after it is closed, every call says so", async () => {
    const deployment = await deploymentForTest();
    const adapter = convexPersistence({ url: deployment.url, secret: TEST_SECRET });
    expectError(await failure(adapter.listAllSessions()), "persistence_unavailable", /open/);
    expect(deployment.calls).toEqual([]);
  });
});

describe("access", () => {
  test("no function does anything without the secret", async () => {
    const deployment = await deploymentForTest();
    const adapter = await openedStore(deployment);
    await createSession(adapter.store);
    await callEverything(adapter);
    const called = new Set(deployment.calls.map(({ kind, path }) => `${kind} ${path}`));
    const exported = await publicFunctions();
    expect([...called].toSorted()).toEqual(exported);
    const before = await countAll(deployment);
    for (const call of new Map(deployment.calls.map((one) => [one.path, one])).values()) {
      for (const secret of [undefined, "", OTHER_SECRET, TEST_SECRET.slice(0, -1), `${TEST_SECRET}x`]) {
        const { secret: _right, ...rest } = call.args;
        const args = secret === undefined ? rest : { ...rest, secret };
        const response = await fetch(`${deployment.url}/api/${call.kind}`, {
          method: "POST",
          body: JSON.stringify({ path: call.path, format: "convex_encoded_json", args: [asJson(args)] }),
        });
        const answer = (await response.json()) as { status: string; value?: unknown };
        expect([call.path, answer.status, answer.value]).toEqual([call.path, "error", undefined]);
      }
    }
    expect(await countAll(deployment)).toBe(before);
  });
});

describe("calls that fail", () => {
  test("a batch whose answer is lost was written once: the guard tells", async () => {
    const deployment = await deploymentForTest();
    const { store } = await openedStore(deployment);
    await createSession(store);
    const batch = { ...KEY, expectedSeq: 1, events: [delta(2)] };
    deployment.fate = ({ path }) => (path.endsWith(":append") ? "lose" : "answer");
    const [lost] = await store.append([batch]);
    expectError(lost, "persistence_unavailable", /Convex at/);
    deployment.fate = () => "answer";
    const [again] = await store.append([batch]);
    expectError(again, "sequence_conflict", /at 2, not at 1/);
    expect((await store.events(KEY, { after: 0, limit: 9 })).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test("a connection that breaks before the call writes nothing", async () => {
    const deployment = await deploymentForTest();
    const { store } = await openedStore(deployment);
    await createSession(store);
    deployment.fate = () => "refuse";
    const batch = { ...KEY, expectedSeq: 1, events: [delta(2)] };
    expectError((await store.append([batch]))[0], "persistence_unavailable", /Convex at/);
    expectError(await failure(store.head(KEY)), "persistence_unavailable", /Convex at/);
    deployment.fate = () => "answer";
    expect(await store.append([batch])).toEqual([null]);
  });

  test("a deployment that does not answer is given up before the runtime gives up the store", async () => {
    const deployment = await deploymentForTest();
    const { store } = await openedStore(deployment);
    const timeout = vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
      expect(ms).toBeLessThan(15_000);
      return AbortSignal.abort(new DOMException("", "TimeoutError"));
    });
    deployment.fate = () => "hang";
    expectError(await failure(store.head(KEY)), "persistence_unavailable", /does not answer in time/);
    expect(timeout).toHaveBeenCalled();
  });

  test("a hundred calls at once are not more than a small deployment runs, and all are answered", async () => {
    const deployment = await deploymentForTest();
    const { store } = await openedStore(deployment);
    await createSession(store);
    let hung = 0;
    deployment.fate = ({ path }) => {
      if (!path.endsWith(":head")) return "answer";
      hung += 1;
      return "hang";
    };
    const calls = Array.from({ length: 100 }, () => store.head(KEY));
    await vi.waitFor(() => expect(hung).toBeGreaterThan(8));
    // Whatever is on its way arrives before what others ask now, again and again.
    for (let n = 0; n < 10; n += 1) await openedStore(deployment);
    expect(hung).toBeLessThanOrEqual(16);
    deployment.fate = () => "answer";
    deployment.drop();
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(hung);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(100 - hung);
  });

  test("a removal that was cut off is over for users, and is finished when the store is opened again", async () => {
    const deployment = await deploymentForTest();
    const { store } = await openedStore(deployment);
    const before = await countAll(deployment);
    await createSession(store);
    await store.append([{ ...KEY, expectedSeq: 1, events: [delta(2)] }]);
    deployment.fate = ({ path }) => (path.endsWith(":sweep") ? "refuse" : "answer");
    expectError(await failure(store.delete(KEY)), "persistence_unavailable", /Convex at/);
    expect(await store.head(KEY)).toBeNull();
    await createSession(store);
    expect((await store.events(KEY, { after: 0, limit: 9 })).map(({ seq }) => seq)).toEqual([1]);
    deployment.fate = () => "answer";
    const again = await openedStore(deployment);
    expect((await again.store.events(KEY, { after: 0, limit: 9 })).map(({ seq }) => seq)).toEqual([1]);
    await again.store.delete(KEY);
    expect(await countAll(deployment)).toBe(before);
  });

  test("a transcript that was cut off leaves the one before it, and nothing of it after the next", async () => {
    const deployment = await deploymentForTest();
    const adapter = await openedStore(deployment);
    await createSession(adapter.store);
    const long = "é".repeat(3_000_000);
    await adapter.saveTranscript("s1", "first");
    const texts = async () =>
      await deployment.look(async ({ db }) => (await db.query("agentRuntimeTexts").collect()).length);
    const before = await texts();
    deployment.fate = ({ path }) => (path.endsWith("transcripts:keep") ? "refuse" : "answer");
    await failure(adapter.saveTranscript("s1", long));
    deployment.fate = () => "answer";
    expect((await adapter.loadSession("s1"))?.rawTranscript).toBe("first");
    expect(await texts()).toBeGreaterThan(before);
    await adapter.saveTranscript("s1", long.slice(1));
    expect((await adapter.loadSession("s1"))?.rawTranscript).toBe(long.slice(1));
    await adapter.saveTranscript("s1", "last");
    expect(await texts()).toBe(before);
  });

  test("a document that somebody broke is named", async () => {
    const deployment = await deploymentForTest();
    const { store } = await openedStore(deployment);
    await createSession(store);
    for (const text of ["{", '[{"seq":1,"at":"x","type":"nobody:knows","data":{}}]']) {
      await deployment.look(async ({ db }) => {
        for (const { _id } of await db.query("agentRuntimeEvents").collect()) await db.patch(_id, { text });
      });
      const error = await failure(store.events(KEY, { after: 0, limit: 9 }));
      expectError(error, "persistence_unavailable", /What Convex holds of .*s1 is damaged/);
    }
  });

  test("a snapshot of another version of the protocol is not used", async () => {
    const deployment = await deploymentForTest();
    const { store } = await openedStore(deployment);
    await createSession(store);
    const snapshot = { lastSeq: 1, runtime: { isLoaded: false, sandbox: null } } as never;
    expect(await store.append([{ ...KEY, expectedSeq: 1, events: [], snapshot }])).toEqual([null]);
    expect((await store.head(KEY))?.snapshot).toEqual(snapshot);
    await deployment.look(async ({ db }) => {
      for (const log of await db.query("agentRuntimeLogs").collect()) {
        if (log.snapshot !== null) await db.patch(log._id, { snapshot: { ...log.snapshot, version: 999 } });
      }
    });
    expect((await store.head(KEY))?.snapshot).toBeNull();
  });
});

test.for([
  [
    "ArgumentValidationError: Object is missing the required field `x`",
    "invalid_configuration",
    /other functions than/,
  ],
  [
    "[Request ID: 1] Server Error\nFunction execution: Value is too large (1 MiB)",
    "persistence_unavailable",
    /more than/,
  ],
  [
    "Too many documents read in a single function execution",
    "persistence_unavailable",
    /more than Convex takes in one/,
  ],
  [
    "Documents read from or written to the table changed while this mutation was being run",
    "persistence_unavailable",
    /try again/,
  ],
  ["something else", "persistence_unavailable", /Convex at http:\/\/x: something else/],
] as const)("what Convex says is told with its remedy: %s", ([words, code, text]) => {
  expectError(convexError(new Error(words), "http://x"), code, text);
});

test("an address of HTTP actions is named as such", () => {
  const error = convexError(new SyntaxError("Unexpected token"), "https://happy-animal-123.convex.site");
  expectError(error, "persistence_unavailable", /this is the address of HTTP actions/);
});

/** Calls each function of the deployment at least once, through the adapter. */
async function callEverything(adapter: Awaited<ReturnType<typeof openedStore>>): Promise<void> {
  const { store } = adapter;
  const bytes = new Uint8Array(20_000);
  const blob = { sha256: "a".repeat(64), offset: 0, total: bytes.byteLength, bytes };
  await store.append([{ ...KEY, expectedSeq: 1, events: [delta(2), delta(3)], blobs: [blob] }]);
  await store.compact(KEY, { drop: [{ from: 2, to: 2 }], upTo: 2 });
  await store.events(KEY, { after: 0, limit: 1 });
  await store.blocks(KEY, { conversationId: "main", limit: 1 });
  await store.block(KEY, "b");
  await store.files(KEY);
  await store.filesAt(KEY, 1);
  await store.checkpoints(KEY, { limit: 1 });
  for await (const _piece of store.blob(KEY, blob.sha256)) break;
  for await (const _piece of store.transcript(KEY)) break;
  await store.message(KEY, { messageId: "m" });
  await store.list({ tenant: "default", limit: 1 });
  await store.claimed();
  await adapter.saveTranscript("s1", "text");
  await adapter.loadSession("s1");
  const { cluster } = store;
  if (cluster === undefined) throw new Error("the store has no cluster");
  const node = { nodeId: "n", place: "here", sandboxes: 0, waiting: 0, maxSandboxes: 1, leaving: false };
  await cluster.heartbeat(node, 60_000);
  await cluster.release(KEY, await cluster.claim(KEY, "n"));
  await cluster.lease(KEY);
  await cluster.leases("n");
  await cluster.abandoned(1);
  await cluster.tails([KEY]);
  await cluster.send({ ...KEY, id: "c", from: "n", method: "send", body: null });
  await cluster.waiting("n", 1);
  await cluster.answer("c", { ok: true, data: null });
  await cluster.answers(["c"]);
  await cluster.forget(["c"]);
  await cluster.leave("n");
  await store.delete(KEY);
  await createSession(store);
}

/** What anybody could call: everything that the files of functions export as such. */
async function publicFunctions(): Promise<string[]> {
  const folder = new URL("./functions/", import.meta.url);
  const found: string[] = [];
  for (const file of readdirSync(folder)) {
    const module = (await import(/* @vite-ignore */ new URL(file, folder).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(module)) {
      if (typeof value !== "function") continue;
      const kind = ["query", "mutation", "action"].find((one) => `is${one[0]?.toUpperCase()}${one.slice(1)}` in value);
      if (kind !== undefined) found.push(`${kind} agentRuntime/${file.replace(".ts", "")}:${name}`);
    }
  }
  return found.toSorted();
}

async function countAll(deployment: Awaited<ReturnType<typeof deploymentForTest>>): Promise<number> {
  const { agentRuntimeTables } = await import("./functions/schema.ts");
  return await deployment.look(async ({ db }) => {
    let count = 0;
    for (const table of Object.keys(agentRuntimeTables) as (keyof typeof agentRuntimeTables)[]) {
      count += (await db.query(table).collect()).length;
    }
    return count;
  });
}

/** Arguments as they go over the wire: bytes as base64. */
function asJson(value: unknown): unknown {
  if (value instanceof ArrayBuffer) return { $bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, asJson(field)]));
}
