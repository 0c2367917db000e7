import { setTimeout as sleep } from "node:timers/promises";
import {
  RuntimeError,
  type AgentProfile,
  type PersistedSessionData,
  type SessionEvent,
  type WorkspaceFile,
} from "@hhopkins/agent-runtime-protocol";
import type { PersistenceSubject } from "@hhopkins/agent-runtime-testkit";
import { expect, test, vi } from "vitest";
import { checkedReads } from "./adapter-rows.ts";
import { memoryPersistence } from "./memory/index.ts";
import type { PersistenceAdapter } from "./port.ts";
import { storeForAdapter } from "./seed-store.ts";
import { contractTests } from "./testing/contract-tests.ts";

const key = { tenant: "default", sessionId: "s1" };
const record = { sessionId: "s1", type: "t", agentProfileReference: "default", createdAt: "2026-11-22T08:00:00Z" };
const created: SessionEvent = {
  seq: 1,
  at: record.createdAt,
  type: "session:created",
  data: { sessionId: "s1", session: record },
};
const first = { events: [created] };
const silent = { warn: () => {} };

/** Keeps nothing, as the smallest adapter that somebody can write. */
function emptyAdapter(): PersistenceAdapter {
  return {
    listAllSessions: async () => [],
    loadSession: async () => null,
    createSessionRecord: async () => {},
    updateSessionRecord: async () => {},
    saveTranscript: async () => {},
    saveWorkspaceFile: async () => {},
    deleteSessionFile: async () => {},
    listAgentProfiles: async () => [{ id: "default", name: "Default" }],
    loadAgentProfile: async () => ({ id: "default", name: "Default" }),
  };
}

/** Keeps everything in plain maps; a class, whose methods need their `this`. */
class KeepingAdapter implements PersistenceAdapter {
  readonly sessions = new Map<string, PersistedSessionData>();
  readonly calls: string[] = [];
  failing: keyof PersistenceAdapter | null = null;

  #called(method: keyof PersistenceAdapter): void {
    this.calls.push(method);
    if (this.failing === method) throw new Error(`no ${method} today`);
  }
  #session(sessionId: string): PersistedSessionData {
    const session = this.sessions.get(sessionId);
    if (session === undefined) throw new Error(`no session ${sessionId}`);
    return session;
  }
  async listAllSessions() {
    this.#called("listAllSessions");
    return [...this.sessions.values()].map(({ workspaceFiles: _files, rawTranscript: _raw, ...session }) => session);
  }
  async loadSession(sessionId: string) {
    this.#called("loadSession");
    return this.sessions.get(sessionId) ?? null;
  }
  async createSessionRecord(session: typeof record) {
    this.#called("createSessionRecord");
    this.sessions.set(session.sessionId, { ...session, workspaceFiles: [] });
  }
  async updateSessionRecord(sessionId: string, updates: object) {
    this.#called("updateSessionRecord");
    Object.assign(this.#session(sessionId), updates);
  }
  async saveTranscript(sessionId: string, rawTranscript: string) {
    this.#called("saveTranscript");
    Object.assign(this.#session(sessionId), { rawTranscript });
  }
  async saveWorkspaceFile(sessionId: string, file: WorkspaceFile) {
    this.#called("saveWorkspaceFile");
    const { workspaceFiles } = this.#session(sessionId);
    workspaceFiles.push(file);
  }
  async deleteSessionFile(sessionId: string, path: string) {
    this.#called("deleteSessionFile");
    const session = this.#session(sessionId);
    session.workspaceFiles = session.workspaceFiles.filter((file) => file.path !== path);
  }
  async listAgentProfiles() {
    return [{ id: "default", name: "Default" }];
  }
  async loadAgentProfile(): Promise<AgentProfile> {
    return { id: "default", name: "Default" };
  }
}

function delta(seq: number, text = "x"): SessionEvent {
  const data = { sessionId: "s1", conversationId: "main", blockId: "b1", delta: text };
  return { seq, at: "2026-11-22T08:00:00Z", type: "session:block:delta", data };
}

/** A server holds the session, or does not. */
function status(seq: number, isLoaded: boolean): SessionEvent {
  const data = { sessionId: "s1", runtime: { isLoaded, sandbox: null } };
  return { seq, at: "2026-11-22T08:00:00Z", type: "session:status", data };
}

function queued(seq: number): SessionEvent {
  const data = { sessionId: "s1", messageId: `m${seq}`, content: "hello" };
  return { seq, at: "2026-11-22T08:00:00Z", type: "session:message:queued", data };
}

async function keepingStore(
  options: { syncIntervalMs?: number; timeoutMs?: number; warn?: (message: string) => void } = {},
) {
  const adapter = new KeepingAdapter();
  const store = storeForAdapter(adapter, { ...options, warn: options.warn ?? silent.warn });
  await store.create({ ...key, record, logId: "L", first });
  return { adapter, store, raw: () => adapter.sessions.get("s1")?.rawTranscript ?? "" };
}

function emptySubject(): PersistenceSubject {
  const adapter = emptyAdapter();
  const store = storeForAdapter(adapter, silent);
  return {
    tenants: false,
    checkpoints: false,
    open: async () => ({ ...adapter, store }),
    because: {
      rowCount: "the adapter keeps nothing that could be counted",
      second: "an adapter with nine methods is for one process",
      tenants: "the nine methods know one tenant",
      checkpoints: "the nine methods keep no turn's end",
    },
  };
}

contractTests({ store: "nine methods", version: "an adapter that keeps nothing" }, emptySubject, {
  suites: ["store"],
});

test("an adapter's own store is used as it is", () => {
  const adapter = memoryPersistence();
  expect(storeForAdapter(adapter, silent)).toBe(adapter.store);
});

test("an adapter that keeps nothing is warned of once", async () => {
  const warn = vi.fn<(message: string) => void>();
  const store = storeForAdapter(emptyAdapter(), { warn });
  await store.create({ ...key, record, logId: "L", first });
  await store.create({
    ...key,
    sessionId: "s2",
    record: { ...record, sessionId: "s2" },
    logId: "L",
    first: { events: [] },
  });
  expect(warn.mock.calls).toEqual([[expect.stringContaining("stay in memory")]]);
  expect((await store.list({ tenant: "default", limit: 9 })).sessions).toHaveLength(2);
});

test("records, files with their bytes, and deletions reach the adapter's methods", async () => {
  const { adapter, store } = await keepingStore();
  const binary = Uint8Array.from([0, 200, 255, 1]);
  const [a, b] = ["a".repeat(64), "b".repeat(64)];
  const half = { sha256: a, total: 4 };
  const outcomes = await store.append([
    { ...key, expectedSeq: 1, events: [], blobs: [{ ...half, offset: 2, bytes: binary.subarray(2) }] },
    {
      ...key,
      expectedSeq: 1,
      events: [delta(2)],
      record: { name: "named", lastActivity: "2026-11-22T09:00:00Z" },
      blobs: [
        { ...half, offset: 0, bytes: binary.subarray(0, 2) },
        { sha256: b, offset: 0, total: 3, bytes: Buffer.from("é!") },
      ],
      files: {
        put: [
          { path: "bin", sha256: a, size: 4 },
          { path: "text", sha256: b, size: 3, mode: 0o755 },
          { path: "link", type: "symlink", target: "text" },
          { path: "lost", sha256: "c".repeat(64), size: 9 },
        ],
        deleted: [],
      },
    },
    { ...key, expectedSeq: 2, events: [delta(3)], files: { put: [], deleted: ["bin"] } },
  ]);
  expect(outcomes).toEqual([null, null, null]);
  expect(adapter.sessions.get("s1")).toMatchObject({
    name: "named",
    lastActivity: "2026-11-22T09:00:00Z",
    workspaceFiles: [
      { path: "text", content: "é!", encoding: "utf8", mode: 0o755 },
      { path: "link", type: "symlink", target: "text" },
      { path: "lost", size: 9, truncated: true },
    ],
  });
  const saved = adapter.calls.filter((call) => call === "saveWorkspaceFile");
  expect(saved).toHaveLength(4);
});

test("messages and turn ends are saved before their append resolves; deltas within the interval", async () => {
  const { adapter, store, raw } = await keepingStore({ syncIntervalMs: 60_000 });
  await store.append([{ ...key, expectedSeq: 1, events: [status(2, true)] }]);
  const piece = { key: "main", lines: ["{}"] };
  await store.append([{ ...key, expectedSeq: 2, events: [delta(3)], transcript: [piece] }]);
  expect(raw()).not.toContain('"seq":3');
  const messages = [{ messageId: "m4", contentHash: "h" }];
  await store.append([{ ...key, expectedSeq: 3, events: [queued(4)], messages }]);
  const [header, ...lines] = raw()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  expect(header).toMatchObject({ session: { logId: "L", closed: false } });
  expect(lines).toEqual([
    { event: created },
    { event: status(2, true) },
    { event: delta(3) },
    { event: queued(4) },
    { message: { messageId: "m4", contentHash: "h" } },
    { transcript: { key: "main", line: "{}" } },
  ]);
  await store.append([{ ...key, expectedSeq: 4, events: [delta(5)] }]);
  expect(raw()).not.toContain('"seq":5');
  await store.flush?.();
  expect(raw()).toContain('"seq":5');
  const count = adapter.calls.length;
  await store.flush?.();
  expect(adapter.calls).toHaveLength(count);
});

test("after the interval what waits is saved, and a failure is tried again", async () => {
  const warn = vi.fn<(message: string) => void>();
  const { adapter, store, raw } = await keepingStore({ syncIntervalMs: 10, warn });
  await store.append([{ ...key, expectedSeq: 1, events: [status(2, true)] }]);
  adapter.failing = "saveTranscript";
  expect(await store.append([{ ...key, expectedSeq: 2, events: [delta(3)] }])).toEqual([null]);
  await vi.waitFor(() => expect(warn).toHaveBeenCalledWith(expect.stringContaining("no saveTranscript today")), 5000);
  adapter.failing = null;
  await vi.waitFor(() => expect(raw()).toContain('"seq":3'), 5000);
});

test("an append whose save fails is refused with the cause, and nothing in memory has changed", async () => {
  const { adapter, store } = await keepingStore();
  adapter.failing = "saveTranscript";
  const messages = [{ messageId: "m2", contentHash: "h" }];
  const [outcome] = await store.append([{ ...key, expectedSeq: 1, events: [queued(2)], messages }]);
  expect(outcome).toMatchObject({ code: "persistence_unavailable", cause: new Error("no saveTranscript today") });
  expect(outcome?.message).toContain("PersistenceAdapter.saveTranscript");
  expect((await store.head(key))?.lastSeq).toBe(1);
  expect(await store.message(key, { messageId: "m2" })).toBeNull();
  adapter.failing = "createSessionRecord";
  const second = { ...key, sessionId: "s2", record: { ...record, sessionId: "s2" }, logId: "L", first: { events: [] } };
  await expect(store.create(second)).rejects.toMatchObject({ code: "persistence_unavailable" });
  expect(await store.head({ ...key, sessionId: "s2" })).toBeNull();
  adapter.failing = null;
  expect(await store.append([{ ...key, expectedSeq: 1, events: [queued(2)], messages }])).toEqual([null]);
});

test("writes of one session wait for each other, however slow the adapter is", async () => {
  const { adapter, store, raw } = await keepingStore();
  const save = adapter.saveTranscript.bind(adapter);
  adapter.saveTranscript = async (sessionId, text) => {
    await sleep(text.includes('"seq":3') ? 0 : 20);
    await save(sessionId, text);
  };
  const outcomes = await Promise.all([
    store.append([{ ...key, expectedSeq: 1, events: [queued(2)] }]),
    store.append([{ ...key, expectedSeq: 2, events: [queued(3)] }]),
    store.append([{ ...key, expectedSeq: 2, events: [queued(3)] }]),
  ]);
  expect(outcomes.flat().map((outcome) => (outcome instanceof RuntimeError ? outcome.code : outcome))).toEqual([
    null,
    null,
    "sequence_conflict",
  ]);
  expect(raw()).toContain('"seq":3');
});

test("rows that are not what they should be are named; nulls and unknown columns are not", async () => {
  const adapter = emptyAdapter();
  const row = { ...record, name: null, extra: 1 };
  adapter.listAllSessions = async () => [row as never];
  adapter.loadAgentProfile = async () => ({ id: "default", name: "D", systemPrompt: null, made: "2026" }) as never;
  const reads = checkedReads(adapter);
  expect(await reads.listAllSessions()).toEqual([record]);
  expect(await reads.loadAgentProfile("default")).toEqual({ id: "default", name: "D" });
  adapter.listAllSessions = async () => [record, { ...record, createdAt: new Date() } as never];
  await expect(reads.listAllSessions()).rejects.toMatchObject({
    code: "persistence_unavailable",
    field: "PersistenceAdapter.listAllSessions.1.createdAt",
  });
  adapter.listAllSessions = () => {
    throw new Error("thrown at once");
  };
  await expect(reads.listAllSessions()).rejects.toMatchObject({ message: expect.stringContaining("thrown at once") });
});

test("a method that hangs fails its write, and the next one goes on; what it did late is done again", async () => {
  const { adapter, store, raw } = await keepingStore({ timeoutMs: 20, syncIntervalMs: 10 });
  const save = adapter.saveTranscript.bind(adapter);
  const gate = Promise.withResolvers<void>();
  adapter.saveTranscript = async (...args) => {
    await gate.promise;
    await save(...args);
  };
  const messages = [{ messageId: "m2", contentHash: "h" }];
  const [outcome] = await store.append([{ ...key, expectedSeq: 1, events: [queued(2)], messages }]);
  expect(outcome).toMatchObject({
    code: "persistence_unavailable",
    message: expect.stringMatching(/saveTranscript.*no answer within 20 ms/),
  });
  expect((await store.head(key))?.lastSeq).toBe(1);
  adapter.saveTranscript = save;
  expect(await store.append([{ ...key, expectedSeq: 1, events: [queued(2)], messages }])).toEqual([null]);
  expect(await store.append([{ ...key, expectedSeq: 2, events: [queued(3)] }])).toEqual([null]);
  expect(raw()).toContain('"seq":3');
  // The old transcript arrives, and is older than what is kept.
  gate.resolve();
  await vi.waitFor(() => expect(adapter.calls.filter((name) => name === "saveTranscript").length).toBeGreaterThan(3));
  await vi.waitFor(() => expect(raw()).toContain('"seq":3'));
});

test("a profile that is not given in time is an error that says so", async () => {
  const adapter = { ...emptyAdapter(), loadAgentProfile: () => new Promise<never>(() => undefined) };
  await expect(checkedReads(adapter, 20).loadAgentProfile("default")).rejects.toMatchObject({
    code: "persistence_unavailable",
    message: expect.stringMatching(/loadAgentProfile failed: no answer within 20 ms/),
  });
});
