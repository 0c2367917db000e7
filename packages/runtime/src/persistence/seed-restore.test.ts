import {
  NO_USAGE,
  type AppendBatch,
  type AgentProfile,
  type ConversationBlock,
  type PersistedSessionData,
  type PersistenceAdapter,
  type SessionEvent,
  type SessionStore,
  type WorkspaceFile,
} from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { collectBytes } from "./blob-bytes.ts";
import { storeForAdapter } from "./seed-store.ts";
import { NEVER_RUN } from "./session-overview.ts";

const key = { tenant: "default", sessionId: "s1" };
const at = "2026-11-22T08:00:00Z";
const record = { sessionId: "s1", type: "t", agentProfileReference: "default", createdAt: at };
const created: SessionEvent = { seq: 1, at, type: "session:created", data: { sessionId: "s1", session: record } };
const shaA = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/** Keeps everything that it is given, as JSON: what a process finds is a copy of what an earlier one saved. */
function keepingAdapter(): PersistenceAdapter & { readonly sessions: Map<string, string> } {
  const sessions = new Map<string, string>();
  const load = (id: string): PersistedSessionData => JSON.parse(sessions.get(id) ?? "null") as PersistedSessionData;
  const change = (id: string, more: Partial<PersistedSessionData>): void =>
    void sessions.set(id, JSON.stringify({ ...load(id), ...more }));
  const others = (id: string, path: string): WorkspaceFile[] =>
    load(id).workspaceFiles.filter((file) => file.path !== path);
  return {
    sessions,
    listAllSessions: async () =>
      [...sessions.keys()].map((id) => {
        const { rawTranscript: _raw, workspaceFiles: _files, ...rest } = load(id);
        return rest;
      }),
    loadSession: async (id) => (sessions.has(id) ? load(id) : null),
    createSessionRecord: async (session) => change(session.sessionId, { ...session, workspaceFiles: [] }),
    updateSessionRecord: async (id, updates) => change(id, updates),
    saveTranscript: async (id, rawTranscript) => change(id, { rawTranscript }),
    saveWorkspaceFile: async (id, file) => change(id, { workspaceFiles: [...others(id, file.path), file] }),
    deleteSessionFile: async (id, path) => change(id, { workspaceFiles: others(id, path) }),
    listAgentProfiles: async () => [{ id: "default", name: "Default" }],
    loadAgentProfile: async (): Promise<AgentProfile> => ({ id: "default", name: "Default" }),
  };
}

const openStore = (adapter: PersistenceAdapter): SessionStore =>
  storeForAdapter(adapter, { warn: () => {}, syncIntervalMs: 60_000 });

const status = (seq: number, isLoaded: boolean): SessionEvent => ({
  seq,
  at,
  type: "session:status",
  data: { sessionId: "s1", runtime: { isLoaded, sandbox: null } },
});
const text = (content: string): ConversationBlock => ({ type: "assistant_text", id: "b1", timestamp: at, content });
const start = (seq: number): SessionEvent => ({
  seq,
  at,
  type: "session:block:start",
  data: { sessionId: "s1", conversationId: "main", block: text("") },
});
const delta = (seq: number): SessionEvent => ({
  seq,
  at,
  type: "session:block:delta",
  data: { sessionId: "s1", conversationId: "main", blockId: "b1", delta: "\u0000 \ud800 naïve" },
});
const complete = (seq: number): SessionEvent => ({
  seq,
  at,
  type: "session:block:complete",
  data: { sessionId: "s1", conversationId: "main", blockId: "b1", block: text("whole") },
});
const queued = (seq: number): SessionEvent => ({
  seq,
  at,
  type: "session:message:queued",
  data: { sessionId: "s1", messageId: `m${seq}`, content: "hello" },
});

async function append(store: SessionStore, expectedSeq: number, write: Partial<AppendBatch>): Promise<void> {
  expect(await store.append([{ ...key, expectedSeq, events: [], ...write }])).toEqual([null]);
}

async function createdIn(adapter: PersistenceAdapter): Promise<SessionStore> {
  const store = openStore(adapter);
  await store.create({ ...key, record, logId: "L", first: { events: [created] } });
  return store;
}

const file = { path: "a.txt", type: "file" as const, mode: 0o644, sha256: shaA, size: 5 };
const bytes = Buffer.from("hello");
const fileCreated = (seq: number): SessionEvent => ({
  seq,
  at,
  type: "session:file:created",
  data: { sessionId: "s1", file: { ...file, content: "hello", encoding: "utf8" } },
});

/** A session that has one of everything, and is loaded at seq 7. */
async function fullSession(adapter: PersistenceAdapter): Promise<SessionStore> {
  const store = await createdIn(adapter);
  const messages = [{ messageId: "m3", idempotencyKey: "k3", contentHash: "h", position: 2 }];
  await append(store, 1, { events: [status(2, true)], sandbox: sandbox() });
  await append(store, 2, { events: [queued(3)], messages, nativeSessionId: "native" });
  await append(store, 3, {
    events: [start(4), delta(5), fileCreated(6)],
    cursor: { generation: 1, n: 7 },
    blobs: [{ sha256: shaA, offset: 0, total: 5, bytes }],
    files: { put: [file], deleted: [] },
    transcript: [{ key: "main", lines: ['{"a":1}', "b"] }],
    blocks: [{ conversationId: "main", blockId: "b1", position: 4, block: text("") }],
  });
  await append(store, 6, {
    events: [complete(7)],
    blocks: [{ conversationId: "main", blockId: "b1", position: 7, block: text("whole") }],
  });
  return store;
}

const sandbox = () => ({ provider: "local", generation: 1, ref: { id: "x" }, token: "t", started: true });

async function everything(store: SessionStore) {
  const events = await store.events(key, { after: 0, limit: 100 });
  const transcript: string[] = [];
  for await (const piece of store.transcript(key)) transcript.push(...piece.lines);
  const found = await store.head(key);
  if (found === null) throw new Error("there is no session");
  const { snapshot: _snapshot, ...head } = found;
  return {
    head,
    events,
    transcript,
    blocks: await store.blocks(key, { conversationId: "main", limit: 10 }),
    files: await store.files(key),
    bytes: Buffer.from(await collectBytes(store.blob(key, shaA))).toString(),
    message: await store.message(key, { idempotencyKey: "k3" }),
    list: (await store.list({ tenant: "default", limit: 9 })).sessions.map(({ sessionId }) => sessionId),
    claimed: await store.claimed(),
  };
}

test("a session that was let go in order is the same in the next process, log and cursors too", async () => {
  const adapter = keepingAdapter();
  const store = await fullSession(adapter);
  await append(store, 7, { events: [status(8, false)], sandbox: null });
  const before = await everything(store);
  const after = await everything(openStore(adapter));
  expect(after).toEqual(before);
  expect(after.head).toMatchObject({ logId: "L", lastSeq: 8, nativeSessionId: "native", generation: 1 });
});

test("after a crash it has another logId, what was saved, its sandbox, and the cursor that belongs to that", async () => {
  const adapter = keepingAdapter();
  const store = await fullSession(adapter);
  // Promised to nobody yet: the runner has to keep what it said.
  expect(store.savedCursor?.(key)).toBeNull();
  const next = openStore(adapter);
  const after = await everything(next);
  expect(after.claimed).toEqual([{ ...key, sandbox: sandbox() }]);
  expect(after.head).toMatchObject({ cursor: null, nativeSessionId: "native" });
  expect(after.head.logId).not.toBe("L");
  expect(after.message).toMatchObject({ messageId: "m3", position: 2 });
  // The file was saved at once, the event that tells of it was not: it is told anew.
  expect(after.events.map(({ type }) => type)).toEqual([
    "session:created",
    "session:status",
    "session:message:queued",
    "session:file:created",
  ]);
  expect(after.files).toEqual([file]);
  expect(after.bytes).toBe("hello");
});

test("the runner may forget what is saved, and the interval saves it", async () => {
  const adapter = keepingAdapter();
  const store = await fullSession(adapter);
  await store.flush?.();
  expect(store.savedCursor?.(key)).toEqual({ generation: 1, n: 7 });
  const after = await everything(openStore(adapter));
  expect(after.head).toMatchObject({ cursor: { generation: 1, n: 7 } });
  expect(after.blocks.blocks).toEqual([text("whole")]);
  expect(after.transcript).toEqual(['{"a":1}', "b"]);
});

test("what was restored is written on, and a compacted log keeps its gaps", async () => {
  const adapter = keepingAdapter();
  const store = await fullSession(adapter);
  await store.compact(key, { drop: [{ from: 4, to: 5 }], upTo: 7 });
  await append(store, 7, { events: [status(8, false)], sandbox: null });
  const second = openStore(adapter);
  expect((await second.events(key, { after: 3, limit: 9 })).map(({ seq, from }) => [from, seq])).toEqual([
    [4, 6],
    [undefined, 7],
    [undefined, 8],
  ]);
  await append(second, 8, { events: [status(9, true)] });
  await append(second, 9, { events: [queued(10)], messages: [{ messageId: "m10", contentHash: "h" }] });
  const third = openStore(adapter);
  const { events } = await everything(third);
  expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 6, 7, 8, 9, 10]);
  const again = { messages: [{ messageId: "m10", contentHash: "h" }], events: [queued(11)] };
  expect(await third.append([{ ...key, expectedSeq: 10, ...again }])).toMatchObject([{ code: "conflict" }]);
});

test("bytes whose file is not known yet are kept with the transcript", async () => {
  const adapter = keepingAdapter();
  const store = await createdIn(adapter);
  await append(store, 1, { events: [status(2, true)] });
  await append(store, 2, { blobs: [{ sha256: shaA, offset: 0, total: 5, bytes: bytes.subarray(0, 2) }] });
  await append(store, 2, { events: [queued(3)] });
  const next = openStore(adapter);
  expect(await next.blobSize(key, shaA)).toBe(2);
  const last = { sha256: shaA, offset: 2, total: 5, bytes: bytes.subarray(2) };
  await append(next, 3, { blobs: [last], files: { put: [file], deleted: [] } });
  expect(JSON.parse(adapter.sessions.get("s1") ?? "")).toMatchObject({ workspaceFiles: [{ content: "hello" }] });
});

test("records and files that somebody else made are a session too; a damaged transcript is an error that says where", async () => {
  const adapter = keepingAdapter();
  const kept = {
    ...record,
    workspaceFiles: [{ path: "a.txt", content: "hello" }],
    rawTranscript: "of another program",
  };
  adapter.sessions.set("s1", JSON.stringify(kept));
  const store = openStore(adapter);
  expect((await store.list({ tenant: "default", limit: 9 })).sessions).toHaveLength(1);
  expect(await store.head(key)).toMatchObject({ lastSeq: 2, generation: 0 });
  expect(await store.files(key)).toMatchObject([{ path: "a.txt", sha256: shaA, size: 5 }]);
  const same = await store.head(key);
  await store.flush?.();
  expect(await openStore(adapter).head(key)).toEqual(same);

  const broken = keepingAdapter();
  await createdIn(broken);
  const session = JSON.parse(broken.sessions.get("s1") ?? "") as PersistedSessionData;
  broken.sessions.set("s1", JSON.stringify({ ...session, rawTranscript: `${session.rawTranscript ?? ""}{"event":` }));
  await expect(openStore(broken).head(key)).rejects.toMatchObject({
    code: "persistence_unavailable",
    message: expect.stringContaining("line 3: is not JSON"),
  });
});

test("sessions that nobody runs leave the memory, and come back when they are asked for", async () => {
  const adapter = keepingAdapter();
  let loads = 0;
  const load = adapter.loadSession;
  const counting = { ...adapter, loadSession: (id: string) => ((loads += 1), load(id)) };
  const store = openStore(counting);
  const keyOf = (index: number) => ({ ...key, sessionId: `s${index}` });
  for (let index = 0; index < 150; index += 1) {
    const session = { ...record, sessionId: `s${index}` };
    await store.create({ ...keyOf(index), record: session, logId: `L${index}`, first: { events: [] } });
  }
  loads = 0;
  expect((await store.list({ tenant: "default", limit: 500 })).sessions).toHaveLength(150);
  expect(await store.head(keyOf(149))).toMatchObject({ logId: "L149" });
  expect(loads).toBe(0);
  expect(await store.head(keyOf(0))).toMatchObject({ logId: "L0" });
  expect(loads).toBe(1);
});

test("what a session has cost is listed while the process lives, and in the next one once the session is in memory", async () => {
  const adapter = keepingAdapter();
  const store = openStore(adapter);
  await store.create({ ...key, record, logId: "L", first: { events: [created] } });
  const metadata = { usage: { ...NO_USAGE, totalTokens: 9 }, costUSD: 0.5 };
  const told: SessionEvent = { seq: 2, at, type: "session:metadata:update", data: { sessionId: "s1", metadata } };
  const overview = { runtime: NEVER_RUN, activity: "idle", sessionMetadata: metadata } as const;
  expect(await store.append([{ ...key, expectedSeq: 1, events: [told], overview }])).toEqual([null]);
  for (let index = 0; index < 100; index += 1) {
    const other = { ...record, sessionId: `other${index}` };
    await store.create({ ...key, sessionId: other.sessionId, record: other, logId: "M", first: { events: [] } });
  }
  const listed = async (from: SessionStore) =>
    (await from.list({ tenant: "default", limit: 500 })).sessions.find(({ sessionId }) => sessionId === "s1");
  expect(await listed(store)).toMatchObject(overview);
  await store.flush?.();
  const next = openStore(adapter);
  expect(await listed(next)).not.toHaveProperty("sessionMetadata");
  await next.head(key);
  expect(await listed(next)).toMatchObject({ runtime: NEVER_RUN, sessionMetadata: metadata });
});
