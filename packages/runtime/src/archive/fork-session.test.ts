import { NO_USAGE, type AgentProfile, type EventDraft, type SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { createHash } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { openLog } from "../log/testing/log-bench.ts";
import { collectBytes } from "../persistence/blob-bytes.ts";
import { memoryPersistence } from "../persistence/memory/index.ts";
import { memoryStore } from "../persistence/memory-store.ts";
import type { SessionStore } from "../persistence/session-store.ts";
import { packTranscript } from "../persistence/packed-transcript.ts";
import { checkpointOf } from "../persistence/session-history.ts";
import { pinOf } from "../session/pinned-profile.ts";
import { rewindWrite } from "../session/session-rewind.ts";
import { forkSession } from "./fork-session.ts";

const PROFILE: AgentProfile = { id: "default", name: "Default" };
const log = { debug() {}, info() {}, warn() {}, error() {} };
const sessionId = "s1";

let store: SessionStore;
let bench: Awaited<ReturnType<typeof openLog>>;
let count = 0;
beforeEach(async () => {
  store = memoryStore();
  bench = await openLog(store);
});

/** Ends a turn, with a line of the transcript and what else it wrote. */
async function turn(turnId: string, more: Partial<Parameters<typeof bench.log.append>[0]> = {}): Promise<void> {
  const line = JSON.stringify({ sessionId: "native", turnId });
  const completed: EventDraft = {
    type: "session:turn:completed",
    data: { sessionId, turnId, messageIds: [], status: "completed", usage: NO_USAGE, costUSD: 0 },
  };
  const { events = [], ...rest } = more;
  await bench.log.append({ transcript: [{ key: "native", lines: [line] }], ...rest, events: [...events, completed] });
}

function fork(turnId: string, over: { store?: SessionStore; tenant?: string } = {}) {
  const { key } = bench;
  const profiles = memoryPersistence({ profiles: [PROFILE] });
  const parts = { store: over.store ?? store, newId: () => `id-${(count += 1)}`, now: () => new Date(), profiles, log };
  return forkSession(parts, { ...key, tenant: over.tenant ?? key.tenant }, { turnId });
}

/** Turns that are in the transcript of a session. */
async function transcriptOf(id: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const piece of store.transcript({ ...bench.key, sessionId: id })) lines.push(...piece.lines);
  return lines.map((line) => (JSON.parse(line) as { turnId: string }).turnId);
}

/** The store, where transcripts were written by a version that did not note when: the first pieces of them. */
function older(undated: number): SessionStore {
  async function* transcript(key: Parameters<SessionStore["transcript"]>[0]) {
    let index = 0;
    for await (const { seq, ...piece } of store.transcript(key)) {
      index += 1;
      yield index <= undated || seq === undefined ? piece : { ...piece, seq };
    }
  }
  return new Proxy(store, { get: (target, name) => (name === "transcript" ? transcript : Reflect.get(target, name)) });
}

test("a transcript from before it was noted how long it was at a turn's end is forked where that is known", async () => {
  for (const turnId of ["t1", "t2", "t3"]) {
    await bench.log.append({ events: [{ type: "session:turn:started", data: { sessionId, turnId, messageIds: [] } }] });
    await turn(turnId);
  }
  // All of it is of then: nothing has begun since the last turn.
  const last = await fork("t3", { store: older(3) });
  expect(await transcriptOf(last.sessionId)).toEqual(["t1", "t2", "t3"]);
  const refused = { code: "conflict", message: expect.stringContaining("Name a later turn") };
  await expect(fork("t2", { store: older(3) })).rejects.toMatchObject(refused);
  // The first piece that says when has a turn's end behind it.
  await expect(fork("t1", { store: older(2) })).rejects.toMatchObject(refused);
  expect(await transcriptOf((await fork("t3", { store: older(2) })).sessionId)).toEqual(["t1", "t2", "t3"]);
  expect(await transcriptOf((await fork("t2", { store: older(1) })).sessionId)).toEqual(["t1", "t2"]);
  expect(await transcriptOf((await fork("t1")).sessionId)).toEqual(["t1"]);
});

test("the profile is that of then, what waited is withdrawn, and many files come along", async () => {
  const [then, now] = [pinOf({ ...PROFILE, systemPrompt: "then" }), pinOf({ ...PROFILE, systemPrompt: "now" })];
  const files = Array.from({ length: 450 }, (_unused, n) => {
    const bytes = Buffer.from(n === 0 ? "" : `content ${n}`);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { bytes, entry: { path: `f${n}`, type: "file" as const, size: bytes.length, sha256 } };
  });
  const moved = (profileVersion: string): EventDraft => ({
    type: "session:profile:update",
    data: { sessionId, profileVersion },
  });
  await turn("t1", {
    events: [
      moved(then.profileVersion),
      { type: "session:message:queued", data: { sessionId, messageId: "m1", content: "waits" } },
      ...files.map(({ entry }): EventDraft => ({
        type: "session:file:created",
        data: { sessionId, file: { ...entry, truncated: true } },
      })),
    ],
    files: { put: files.map(({ entry }) => entry), deleted: [] },
    blobs: [
      then.blob,
      ...files.map(({ bytes, entry }) => ({ sha256: entry.sha256, offset: 0, total: bytes.length, bytes })),
    ],
  });
  await bench.log.append({ events: [moved(now.profileVersion)], blobs: [now.blob] });
  const state = await fork("t1");
  expect(state).toMatchObject({ profileVersion: then.profileVersion, queue: [], lastTurn: { turnId: "t1" } });
  const key = { ...bench.key, sessionId: state.sessionId };
  await store.delete(bench.key);
  const text = Buffer.from(await collectBytes(store.blob(key, then.profileVersion))).toString();
  expect(JSON.parse(text)).toMatchObject({ systemPrompt: "then" });
  expect(await store.files(key)).toHaveLength(450);
  for (const { bytes, entry } of files)
    expect(Buffer.from(await collectBytes(store.blob(key, entry.sha256))).equals(bytes)).toBe(true);
  expect(await store.blobSize(key, files[0]?.entry.sha256 ?? "")).toBe(0);
});

test("what an agent knew before its session went back, no fork knows; not even where the turns since were silent", async () => {
  const silent = { transcript: [] };
  await turn("t0", silent);
  await turn("t1");
  const { key, log: sessionLog } = bench;
  const checkpoint = await checkpointOf(store, key, { turnId: "t0", lastSeq: sessionLog.state.lastSeq });
  const place = { checkpoint, nativeSessionId: "native-2" };
  await sessionLog.append(await rewindWrite(store, { key, state: sessionLog.state }, place));
  await turn("t2", silent);
  expect(await transcriptOf((await fork("t1")).sessionId)).toEqual(["t1"]);
  expect(await transcriptOf((await fork("t2")).sessionId)).toEqual([]);
  expect(await packTranscript(store, key)).not.toContain('"transcript"');
});

test("nothing is left of a fork that the store refuses in the middle, and nothing is there for another tenant", async () => {
  await turn("t1");
  let appends = 0;
  const failing = new Proxy(store, {
    get: (target, name) => {
      if (name !== "append") return Reflect.get(target, name);
      return (batches: Parameters<SessionStore["append"]>[0]) =>
        (appends += 1) === 2 ? Promise.reject(new Error("disk full")) : store.append(batches);
    },
  });
  await expect(fork("t1", { store: failing })).rejects.toThrow("disk full");
  const { sessions } = await store.list({ tenant: "default", limit: 10 });
  expect(sessions.map((session) => session.sessionId)).toEqual([sessionId]);
  await expect(fork("t1", { tenant: "other" })).rejects.toMatchObject({ code: "session_not_found" });
  // Events that were there before are as they were.
  const events: readonly SessionEvent[] = await store.events(bench.key, { after: 0, limit: 100 });
  expect(events.map(({ type }) => type)).toEqual(["session:created", "session:turn:completed"]);
});
