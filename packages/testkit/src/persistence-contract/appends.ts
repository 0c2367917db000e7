import assert from "node:assert/strict";
import type { SessionStore } from "@hhopkins/agent-runtime-protocol";
import { append, change, created, createSession, delta, key, ODD_TEXT, record, sandbox } from "./samples.ts";
import { assertCode, assertRejects, collect, openStore, type PersistenceCase } from "./subject.ts";
import { assertNoTrace, EVERYTHING } from "./whole-batch.ts";

async function seqs(store: SessionStore, sessionId: string): Promise<number[]> {
  return (await store.events(key(sessionId), { after: 0, limit: 10_000 })).map((event) => event.seq);
}

export const appendCases: Record<string, PersistenceCase> = {
  "create: the session is there with its first events": async (subject) => {
    const store = await openStore(subject);
    const session = record("s1", { name: ODD_TEXT, metadata: { odd: ODD_TEXT } });
    const blob = { sha256: "a".repeat(64), offset: 0, total: 2, bytes: Buffer.from("hi") };
    const files = { put: [{ path: "a.txt", size: 2, sha256: blob.sha256 }], deleted: [] };
    const events = [created(session), delta("s1", 2)];
    await store.create({ ...key("s1"), record: session, logId: "L", first: { events, files, blobs: [blob] } });
    assert.deepEqual(await store.events(key("s1"), { after: 0, limit: 10 }), events);
    assert.deepEqual(await store.files(key("s1")), files.put);
    assert.equal(Buffer.concat(await collect(store.blob(key("s1"), blob.sha256))).toString(), "hi");
    assert.deepEqual(await store.head(key("s1")), {
      record: session,
      logId: "L",
      lastSeq: 2,
      compactedTo: 0,
      snapshot: null,
      cursor: null,
      sandbox: null,
      nativeSessionId: null,
      generation: 0,
    });
  },

  "create: the same id twice is a conflict, and changes nothing": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"), { name: "first" });
    await assertRejects(createSession(store, key("s1"), { name: "second" }), "conflict");
    assert.equal((await store.head(key("s1")))?.record.name, "first");
    assert.deepEqual(await seqs(store, "s1"), [1]);
  },

  "append: to a session that is not there is refused": async (subject) => {
    const store = await openStore(subject);
    const [outcome] = await store.append([{ ...key("none"), expectedSeq: 0, events: [delta("none", 1)] }]);
    assertCode(outcome, "session_not_found");
  },

  "append: another expectedSeq is refused, below and above": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    await append(store, { ...key("s1"), expectedSeq: 1, events: [delta("s1", 2)] });
    for (const expectedSeq of [0, 1, 3]) {
      const [outcome] = await store.append([{ ...key("s1"), expectedSeq, events: [delta("s1", expectedSeq + 1)] }]);
      assertCode(outcome, "sequence_conflict");
    }
    const [gap] = await store.append([{ ...key("s1"), expectedSeq: 2, events: [delta("s1", 4)] }]);
    assertCode(gap, "sequence_conflict");
    assert.deepEqual(await seqs(store, "s1"), [1, 2]);
  },

  "append: batches of one call are taken in order, each on the one before": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    await createSession(store, key("s2"));
    const outcomes = await store.append([
      { ...key("s1"), expectedSeq: 1, events: [delta("s1", 2), delta("s1", 3)] },
      { ...key("s2"), expectedSeq: 1, events: [delta("s2", 2)] },
      { ...key("s1"), expectedSeq: 3, events: [delta("s1", 4)] },
    ]);
    assert.deepEqual(outcomes, [null, null, null]);
    assert.deepEqual(await seqs(store, "s1"), [1, 2, 3, 4]);
    assert.deepEqual(await seqs(store, "s2"), [1, 2]);
    assert.deepEqual(await store.append([]), []);
  },

  "append: a refused batch leaves no trace, and takes no other with it": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    await createSession(store, key("s2"));
    const before = await store.head(key("s1"));
    const outcomes = await store.append([
      { ...key("s2"), expectedSeq: 1, events: [delta("s2", 2)] },
      { ...key("s1"), expectedSeq: 5, events: [delta("s1", 6)], ...EVERYTHING },
      { ...key("s2"), expectedSeq: 2, events: [delta("s2", 3)] },
    ]);
    assert.deepEqual([outcomes[0], outcomes[2]], [null, null]);
    assertCode(outcomes[1], "sequence_conflict");
    assert.deepEqual(await seqs(store, "s2"), [1, 2, 3]);
    assert.deepEqual(await store.head(key("s1")), before);
    assert.deepEqual(await seqs(store, "s1"), [1]);
    await assertNoTrace(store, key("s1"));
  },

  "append: a batch that cannot be written leaves no trace, and takes no other with it": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    await createSession(store, key("s2"));
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    const outcomes = await store.append([
      { ...key("s2"), expectedSeq: 1, events: [delta("s2", 2)] },
      { ...key("s1"), expectedSeq: 1, events: [delta("s1", 2)], record: { metadata: loop } },
      { ...key("s2"), expectedSeq: 2, events: [delta("s2", 3)] },
    ]);
    assert.deepEqual([outcomes[0], outcomes[2]], [null, null]);
    assertCode(outcomes[1], "persistence_unavailable");
    assert.deepEqual(await seqs(store, "s1"), [1]);
    assert.deepEqual(await seqs(store, "s2"), [1, 2, 3]);
  },

  "append: a message's ids are taken once": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    await createSession(store, key("s2"));
    const messages = [{ messageId: "m1", idempotencyKey: "k1", contentHash: "h1", position: 2 }];
    await append(store, change(key("s1"), 1, { messages }));
    await append(store, change(key("s2"), 1, { messages }));
    const again = [
      [{ messageId: "m1", contentHash: "h2" }],
      [{ messageId: "m2", idempotencyKey: "k1", contentHash: "h2" }],
      [
        { messageId: "m3", contentHash: "h3" },
        { messageId: "m3", contentHash: "h3" },
      ],
    ];
    for (const messages of again) {
      const [outcome] = await store.append([{ ...key("s1"), expectedSeq: 1, events: [delta("s1", 2)], messages }]);
      assertCode(outcome, "conflict");
    }
    assert.deepEqual(await seqs(store, "s1"), [1]);
    assert.equal(await store.message(key("s1"), { messageId: "m3" }), null);
  },

  "append: entries of a runner are taken once, also where they are no events": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const lines = [{ key: "main", lines: ["{}"] }];
    await append(store, change(key("s1"), 1, { cursor: { generation: 2, n: 9 }, transcript: lines }));
    for (const cursor of [
      { generation: 2, n: 9 },
      { generation: 2, n: 8 },
      { generation: 1, n: 10 },
    ]) {
      const [outcome] = await store.append([change(key("s1"), 1, { cursor, transcript: lines })]);
      assertCode(outcome, "sequence_conflict");
    }
    await append(store, change(key("s1"), 1, { transcript: lines }));
    await append(store, change(key("s1"), 1, { cursor: { generation: 2, n: 10 } }));
    await append(store, change(key("s1"), 1, { cursor: { generation: 3, n: 0 } }));
    const kept = [];
    for await (const { lines: found } of store.transcript(key("s1"))) kept.push(...found);
    assert.deepEqual(kept, ["{}", "{}"]);
  },

  "append: what is absent stays as it was": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"), { name: "name" });
    const first = { cursor: { generation: 2, n: 9 }, sandbox: sandbox(2), nativeSessionId: "native" };
    await append(store, change(key("s1"), 1, first));
    await append(store, { ...key("s1"), expectedSeq: 1, events: [delta("s1", 2)] });
    const head = await store.head(key("s1"));
    assert.deepEqual(head?.cursor, first.cursor);
    assert.deepEqual(head?.sandbox, first.sandbox);
    assert.equal(head?.nativeSessionId, "native");
    assert.equal(head?.record.name, "name");
    assert.equal(head?.lastSeq, 2);
  },

  "append: the generation is that of the newest sandbox, also when it is gone": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    await append(store, change(key("s1"), 1, { sandbox: sandbox(3) }));
    await append(store, change(key("s1"), 1, { sandbox: null }));
    const head = await store.head(key("s1"));
    assert.deepEqual([head?.generation, head?.sandbox], [3, null]);
    await append(store, change(key("s1"), 1, { sandbox: sandbox(4), cursor: { generation: 4, n: 0 } }));
    assert.deepEqual((await store.head(key("s1")))?.cursor, { generation: 4, n: 0 });
  },
};
