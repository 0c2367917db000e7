import assert from "node:assert/strict";
import { NO_USAGE, type SessionKey, type SessionStore } from "@hhopkins/agent-runtime-protocol";
import {
  append,
  change,
  created,
  createSession,
  delta,
  key,
  minute,
  ODD_TEXT,
  record,
  sandbox,
  stateAt,
  status,
  text,
} from "./samples.ts";
import { assertCode, assertRejects, collect, openStore, type PersistenceCase } from "./subject.ts";

const SHA = "e".repeat(64);

/** A session with something in every part. */
async function fullSession(store: SessionStore, at: SessionKey): Promise<void> {
  await createSession(store, at);
  await append(store, {
    ...at,
    expectedSeq: 1,
    events: [delta(at.sessionId, 2)],
    cursor: { generation: 1, n: 1 },
    transcript: [{ key: "main", lines: ["line"] }],
    blobs: [{ sha256: SHA, offset: 0, total: 1, bytes: Buffer.from("x") }],
    files: { put: [{ path: "a.txt", sha256: SHA, size: 1 }], deleted: [] },
    blocks: [{ conversationId: "main", blockId: "b1", position: 2, block: text("b1") }],
    messages: [{ messageId: "m1", idempotencyKey: "k1", contentHash: "h" }],
    sandbox: sandbox(1),
    nativeSessionId: "native",
    snapshot: stateAt(at.sessionId, 2),
    record: { lastActivity: minute(3) },
  });
}

/** Asserts that nothing of the session can be read. */
async function assertNothing(store: SessionStore, at: SessionKey): Promise<void> {
  assert.equal(await store.head(at), null);
  assert.deepEqual(await store.events(at, { after: 0, limit: 10 }), []);
  assert.deepEqual(await store.blocks(at, { conversationId: "main", limit: 10 }), { blocks: [], more: false });
  assert.equal(await store.block(at, "b1"), null);
  assert.deepEqual(await store.files(at), []);
  assert.deepEqual(await collect(store.blob(at, SHA)), []);
  assert.equal(await store.blobSize(at, SHA), 0);
  assert.deepEqual(await collect(store.transcript(at)), []);
  assert.equal(await store.message(at, { messageId: "m1" }), null);
  assert.equal(await store.message(at, { idempotencyKey: "k1" }), null);
  const { sessions } = await store.list({ tenant: at.tenant, limit: 100 });
  assert.ok(!sessions.some((session) => session.sessionId === at.sessionId));
  const [outcome] = await store.append([{ ...at, expectedSeq: 2, events: [delta(at.sessionId, 3)] }]);
  assertCode(outcome, "session_not_found");
}

async function ids(store: SessionStore, limit: number, cursor?: string) {
  const query = { tenant: "default", limit, ...(cursor === undefined ? {} : { cursor }) };
  const { sessions, nextCursor } = await store.list(query);
  return { ids: sessions.map((session) => session.sessionId), nextCursor };
}

export const sessionCases: Record<string, PersistenceCase> = {
  "tenants: no method sees another tenant's session": async (subject) => {
    const store = await openStore(subject);
    await fullSession(store, key("s1"));
    const other = key("s1", "other");
    if (subject.tenants === false) {
      await assertRejects(createSession(store, other), "not_supported");
      await assertNothing(store, other);
      return;
    }
    await assertNothing(store, other);
    await store.delete(other);
    assert.equal((await store.head(key("s1")))?.lastSeq, 2);
    await createSession(store, other, { name: "another's" });
    assert.equal((await store.head(key("s1")))?.record.name, undefined);
    assert.equal((await store.head(other))?.record.name, "another's");
    await store.delete(key("s1"));
    assert.equal((await store.head(other))?.lastSeq, 1);
  },

  "list: newest activity first, creation where there was none, with the runtime": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("old"), { createdAt: minute(1), lastActivity: minute(2) });
    await createSession(store, key("new"), { createdAt: "2026-11-22T08:05:00.5Z" });
    await createSession(store, key("mid"), { createdAt: "2026-11-22T08:05:00Z" });
    assert.deepEqual((await ids(store, 10)).ids, ["new", "mid", "old"]);
    const box = { status: "ready", restartCount: 0, lastHealthCheck: minute(7) } as const;
    const runtime = { isLoaded: true, sandbox: box };
    const events = [status("old", 2, { isLoaded: false, sandbox: null }), status("old", 3, runtime)];
    await append(store, { ...key("old"), expectedSeq: 1, events, record: { lastActivity: minute(9), name: "n" } });
    const { sessions } = await store.list({ tenant: "default", limit: 10 });
    assert.deepEqual(sessions[0], {
      ...record("old", { createdAt: minute(1), lastActivity: minute(9), name: "n" }),
      runtime,
    });
    assert.deepEqual(sessions[1]?.runtime, { isLoaded: false, sandbox: null });
    const usage = { ...NO_USAGE, inputTokens: 7, totalTokens: 7 };
    const overview = {
      runtime,
      activity: "running",
      sessionMetadata: { usage, costUSD: 0.25, model: ODD_TEXT },
    } as const;
    await append(store, { ...key("mid"), expectedSeq: 1, events: [delta("mid", 2)], overview });
    await append(store, { ...key("mid"), expectedSeq: 2, events: [delta("mid", 3)] });
    const [refused] = await store.append([change(key("mid"), 1, { overview: { runtime } })]);
    assertCode(refused, "sequence_conflict");
    const shown = (await store.list({ tenant: "default", limit: 10 })).sessions.find((one) => one.sessionId === "mid");
    assert.deepEqual(shown, { ...record("mid", { createdAt: "2026-11-22T08:05:00Z" }), ...overview });
    const { sessions: loaded } = await store.list({ tenant: "default", limit: 10, filter: { isLoaded: true } });
    assert.deepEqual(loaded.map((one) => one.sessionId).toSorted(), ["mid", "old"]);
  },

  "list: pages stay where they are while sessions are added": async (subject) => {
    const store = await openStore(subject);
    for (const name of ["a", "b", "c", "d", "e"]) await createSession(store, key(name), { createdAt: minute(1) });
    const first = await ids(store, 2);
    assert.deepEqual(first.ids, ["e", "d"]);
    await createSession(store, key("0-newer"), { createdAt: minute(2) });
    await createSession(store, key("cc"), { createdAt: minute(1) });
    const second = await ids(store, 2, first.nextCursor);
    assert.deepEqual(second.ids, ["cc", "c"]);
    const third = await ids(store, 2, second.nextCursor);
    assert.deepEqual(third, { ids: ["b", "a"], nextCursor: undefined });
    for (const cursor of ["", "no cursor", "AAAA", Buffer.from("[1]").toString("base64url")]) {
      await assertRejects(ids(store, 2, cursor), "invalid_request");
    }
  },

  "claimed: sessions that are loaded, and those with a sandbox": async (subject) => {
    const store = await openStore(subject);
    for (const id of ["idle", "loaded", "boxed", "both", "ended"]) await createSession(store, key(id));
    const loaded = { isLoaded: true, sandbox: null };
    for (const id of ["loaded", "both", "ended"]) {
      await append(store, { ...key(id), expectedSeq: 1, events: [status(id, 2, loaded)] });
    }
    await append(store, change(key("boxed"), 1, { sandbox: sandbox(1) }));
    await append(store, change(key("both"), 2, { sandbox: sandbox(1) }));
    await append(store, change(key("both"), 2, { sandbox: sandbox(2) }));
    await append(store, change(key("ended"), 2, { sandbox: sandbox(1) }));
    const gone = [status("ended", 3, { isLoaded: false, sandbox: null })];
    await append(store, { ...key("ended"), expectedSeq: 2, events: gone, sandbox: null });
    const claimed = [...(await store.claimed())].toSorted((a, b) => (a.sessionId < b.sessionId ? -1 : 1));
    assert.deepEqual(claimed, [
      { ...key("both"), sandbox: sandbox(2) },
      { ...key("boxed"), sandbox: sandbox(1) },
      { ...key("loaded"), sandbox: null },
    ]);
  },

  "delete: leaves nothing of the session, and everything of the others": async (subject) => {
    const store = await openStore(subject);
    const before = await subject.rowCount?.();
    await fullSession(store, key("s1"));
    const one = await subject.rowCount?.();
    await fullSession(store, key("s2"));
    await store.delete(key("s1"));
    await assertNothing(store, key("s1"));
    assert.equal(await subject.rowCount?.(), one);
    assert.equal((await store.head(key("s2")))?.nativeSessionId, "native");
    assert.equal(Buffer.concat(await collect(store.blob(key("s2"), SHA))).toString(), "x");
    await store.delete(key("s1"));
    await store.delete(key("s2"));
    assert.equal(await subject.rowCount?.(), before);
    await createSession(store, key("s1"));
    assert.deepEqual(await store.events(key("s1"), { after: 0, limit: 10 }), [created(record("s1"))]);
  },
};
