import type { SessionEvent, SessionStore } from "@hhopkins/agent-runtime-protocol";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { collectBytes } from "../persistence/blob-bytes.ts";
import { memoryPersistence } from "../persistence/memory/index.ts";
import { sqlitePersistence } from "../persistence/sqlite/index.ts";
import { exportSession, importSession } from "./index.ts";

const key = { tenant: "default", sessionId: "s1" };
const at = "2026-11-22T08:00:00.000Z";
const record = {
  sessionId: "s1",
  type: "claude-agent-sdk",
  agentProfileReference: "default",
  createdAt: at,
  name: "naïve \u0000 \ud800",
  metadata: { mine: [1] },
};
const sha = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const place = { sessionId: "s1", conversationId: "main" };
const text = (content: string) => ({ type: "assistant_text" as const, id: "b1", timestamp: at, content });

const events: SessionEvent[] = [
  { seq: 1, at, type: "session:created", data: { sessionId: "s1", session: record } },
  { seq: 2, at, type: "session:status", data: { sessionId: "s1", runtime: { isLoaded: true, sandbox: null } } },
  { seq: 3, at, type: "session:message:queued", data: { sessionId: "s1", messageId: "m1", content: "hello" } },
  { seq: 4, at, type: "session:turn:started", data: { sessionId: "s1", turnId: "t1", messageIds: ["m1"] } },
  { seq: 5, at, type: "session:block:start", data: { ...place, block: text("") } },
  { seq: 6, at, type: "session:block:delta", data: { ...place, blockId: "b1", delta: "half a " } },
  { seq: 7, at, type: "session:block:delta", data: { ...place, blockId: "b1", delta: "word" } },
  { seq: 8, at, type: "session:message:queued", data: { sessionId: "s1", messageId: "m2", content: "later" } },
];

/** A session in the middle of a turn, with a file that its log does not tell of. */
async function busySession(store: SessionStore): Promise<void> {
  await store.create({ ...key, record, logId: "L", first: { events } });
  const write = {
    blobs: [
      { sha256: sha, offset: 2, total: 5, bytes: Buffer.from("llo") },
      { sha256: sha, offset: 0, total: 5, bytes: Buffer.from("he") },
    ],
    files: {
      put: [
        { path: "a.txt", type: "file" as const, mode: 0o755, sha256: sha, size: 5 },
        { path: "link", type: "symlink" as const, target: "a.txt" },
      ],
      deleted: [],
    },
    blocks: [{ conversationId: "main", blockId: "b1", position: 5, block: text("") }],
    transcript: [{ key: "native", lines: ['{"a":1}', "\u2028"] }],
    nativeSessionId: "native",
    sandbox: { provider: "local", generation: 3, ref: {}, token: "secret-token", started: true },
  };
  expect(await store.append([{ ...key, expectedSeq: 8, events: [], ...write }])).toEqual([null]);
}

async function opened() {
  const adapter = sqlitePersistence({ file: ":memory:" });
  await adapter.open?.();
  return adapter;
}

async function archiveOf(adapter: Parameters<typeof exportSession>[0]): Promise<Uint8Array> {
  return await collectBytes(exportSession(adapter, "s1"));
}

async function* bytesOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

test("a session goes from one store into another, closed: its turn interrupted, what waited withdrawn, no sandbox", async () => {
  const from = await opened();
  await busySession(from.store);
  const to = memoryPersistence();
  expect(await importSession(to, exportSession(from, "s1"))).toEqual({ sessionId: "s1" });
  const head = await to.store.head(key);
  expect(head).toMatchObject({ record, nativeSessionId: "native", sandbox: null, generation: 0, cursor: null });
  expect(head?.logId).not.toBe("L");
  const copied = await to.store.events(key, { after: 0, limit: 100 });
  expect(copied.map(({ seq }) => seq)).toEqual(copied.map((_event, index) => index + 1));
  expect(copied.map(({ type }) => type).slice(-6)).toEqual([
    "session:file:created",
    "session:file:created",
    "session:block:complete",
    "session:turn:completed",
    "session:message:withdrawn",
    "session:status",
  ]);
  expect(head?.snapshot).toMatchObject({
    lastSeq: copied.length,
    turn: null,
    queue: [],
    runtime: { isLoaded: false, sandbox: null },
    blocks: [{ content: "half a word" }],
    workspaceFiles: [
      { path: "a.txt", content: "hello", mode: 0o755 },
      { path: "link", target: "a.txt" },
    ],
  });
  expect(Buffer.from(await collectBytes(to.store.blob(key, sha))).toString()).toBe("hello");
  const lines: string[] = [];
  for await (const piece of to.store.transcript(key)) lines.push(...piece.lines);
  expect(lines).toEqual(['{"a":1}', "\u2028"]);
  expect(await to.store.message(key, { messageId: "m1" })).not.toBeNull();
  expect(await to.store.claimed()).toEqual([]);
  await from.close?.();
});

test("an archive has no secret of its sandbox, and is the same session again after two moves", async () => {
  const from = await opened();
  await busySession(from.store);
  const archive = await archiveOf(from);
  expect(gunzipSync(archive).toString()).not.toContain("secret-token");
  const [first, second] = [memoryPersistence(), memoryPersistence()];
  await importSession(first, bytesOf(archive));
  await importSession(second, exportSession(first, "s1"));
  const logOf = (store: SessionStore) => store.events(key, { after: 0, limit: 100 });
  expect(await logOf(second.store)).toEqual(await logOf(first.store));
  const snapshot = async (store: SessionStore) => ({ ...(await store.head(key))?.snapshot, logId: "" });
  expect(await snapshot(second.store)).toEqual(await snapshot(first.store));
});

test("with another id every event is the new session's; a taken id and an unknown profile are refused", async () => {
  const from = await opened();
  await busySession(from.store);
  await expect(importSession(from, exportSession(from, "s1"))).rejects.toMatchObject({ code: "conflict" });
  await importSession(from, exportSession(from, "s1"), { sessionId: "s2", name: "a copy" });
  const copied = await from.store.events({ ...key, sessionId: "s2" }, { after: 0, limit: 100 });
  expect(new Set(copied.map(({ data }) => data.sessionId))).toEqual(new Set(["s2"]));
  expect(copied[0]).toMatchObject({ data: { session: { sessionId: "s2", name: "a copy" } } });
  const options = { sessionId: "s3", agentProfileRef: "nobody" };
  await expect(importSession(from, exportSession(from, "s1"), options)).rejects.toMatchObject({
    code: "unknown_profile",
    message: expect.stringContaining("Known: default"),
  });
  await expect(collectBytes(exportSession(from, "none"))).rejects.toMatchObject({ code: "session_not_found" });
});

test("nothing is written of an archive that is cut, damaged, of a newer format, too large, or none", async () => {
  const from = await opened();
  await busySession(from.store);
  const archive = await archiveOf(from);
  const plain = gunzipSync(archive).toString();
  const lines = plain.trimEnd().split("\n");
  const cases: [string, Uint8Array, RegExp][] = [
    ["cut gzip", archive.subarray(0, archive.length / 2), /cut short/],
    ["damaged gzip", Buffer.concat([archive.subarray(0, 40), Buffer.alloc(40), archive.subarray(80)]), /damaged/],
    ["cut lines", gzipSync(lines.slice(0, -1).join("\n")), /cut short/],
    [
      "a line is missing",
      Buffer.from([...lines.slice(0, 5), ...lines.slice(6)].join("\n")),
      /line 6: the log has nothing/,
    ],
    ["not JSON", Buffer.from(`${lines[0]}\n{"event":`), /line 2: is not JSON/],
    ["newer", Buffer.from(plain.replace('"format":1', '"format":2')), /line 1: has the format 2/],
    ["unknown event", Buffer.from(plain.replace("session:status", "session:future")), /line 3.*session:future/],
    ["another file", Buffer.from("hello\n"), /line 1: is not JSON/],
    ["other JSON", Buffer.from('{"hello":1}\n'), /line 1.type/],
    ["empty", new Uint8Array(), /empty/],
  ];
  for (const [name, bytes, message] of cases) {
    const to = memoryPersistence();
    const failure: unknown = await importSession(to, bytesOf(bytes)).catch((error: unknown) => error);
    expect(failure, name).toMatchObject({ code: "invalid_request", message: expect.stringMatching(message) });
    expect((await to.store.list({ tenant: "default", limit: 1 })).sessions, name).toEqual([]);
  }
  const bomb = gzipSync(Buffer.alloc(1024 * 1024, 0x20));
  const options = { maxBytes: 1000 };
  await expect(importSession(memoryPersistence(), bytesOf(bomb), options)).rejects.toMatchObject({
    code: "payload_too_large",
  });
});

test("what a store refuses in the middle is removed again", async () => {
  const from = await opened();
  await busySession(from.store);
  const to = memoryPersistence();
  const { append } = to.store;
  const failing = {
    ...to,
    store: {
      ...to.store,
      append: (batches: Parameters<typeof append>[0]) =>
        batches.some((batch) => batch.transcript) ? Promise.reject(new Error("disk full")) : append(batches),
    },
  };
  await expect(importSession(failing, exportSession(from, "s1"))).rejects.toThrow("disk full");
  expect(await to.store.head(key)).toBeNull();
});
