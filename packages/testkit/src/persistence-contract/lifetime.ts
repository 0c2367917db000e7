import assert from "node:assert/strict";
import type { SessionKey, SessionStore } from "@hhopkins/agent-runtime-protocol";
import { append, createSession, delta, key, minute, ODD_TEXT, record, sandbox, stateAt, text } from "./samples.ts";
import { assertCode, assertRejects, collect, needed, storeOf, type PersistenceCase } from "./subject.ts";

const SHA = "f".repeat(64);

/** Everything that can be read of a session, as JSON. */
async function everything(store: SessionStore, at: SessionKey): Promise<string> {
  return JSON.stringify([
    await store.head(at),
    await store.events(at, { after: 0, limit: 1000 }),
    await store.blocks(at, { conversationId: "main", limit: 100 }),
    await store.files(at),
    Buffer.concat(await collect(store.blob(at, SHA))).toString("hex"),
    await collect(store.transcript(at)),
    await store.message(at, { messageId: "m1" }),
    await store.list({ tenant: at.tenant, limit: 100 }),
    await store.claimed(),
  ]);
}

export const lifetimeCases: Record<string, PersistenceCase> = {
  "closed: every method says so, and none hangs or crashes": async (subject) => {
    const adapter = await subject.open();
    assert.ok(adapter.close, "the adapter cannot be closed");
    const store = storeOf(adapter);
    await createSession(store, key("s1"));
    await adapter.close();
    const at = key("s1");
    const calls: Promise<unknown>[] = [
      createSession(store, key("s2")),
      store.append([{ ...at, expectedSeq: 1, events: [delta("s1", 2)] }]).then(([outcome]) => {
        throw outcome;
      }),
      store.events(at, { after: 0, limit: 1 }),
      store.head(at),
      store.blocks(at, { conversationId: "main", limit: 1 }),
      store.block(at, "b"),
      store.files(at),
      collect(store.blob(at, SHA)),
      store.blobSize(at, SHA),
      collect(store.transcript(at)),
      store.message(at, { messageId: "m" }),
      store.list({ tenant: "default", limit: 1 }),
      store.claimed(),
      store.delete(at),
      adapter.listAllSessions(),
      adapter.loadSession("s1"),
      adapter.createSessionRecord(record("s2")),
      adapter.saveTranscript("s1", "text"),
    ];
    for (const outcome of await Promise.allSettled(calls)) {
      assert.equal(outcome.status, "rejected");
      if (outcome.status === "rejected") assertCode(outcome.reason, "persistence_unavailable");
    }
    await adapter.close();
  },

  "closed: appends in flight are kept whole, or not at all": async (subject) => {
    const reopen = needed(subject, "reopen");
    const adapter = await subject.open();
    const store = storeOf(adapter);
    const ids = Array.from({ length: 20 }, (_, index) => `s${index}`);
    for (const id of ids) await createSession(store, key(id));
    const appends = ids.map((id) => {
      const blocks = [{ conversationId: "main", blockId: "b1", position: 2, block: text("b1") }];
      return store.append([{ ...key(id), expectedSeq: 1, events: [delta(id, 2), delta(id, 3)], blocks }]);
    });
    const outcomes = Promise.allSettled(appends);
    await adapter.close?.();
    const again = storeOf(await reopen());
    for (const [index, outcome] of (await outcomes).entries()) {
      const at = key(ids[index] ?? "");
      const failure: unknown = outcome.status === "rejected" ? outcome.reason : outcome.value[0];
      if (failure !== null) assertCode(failure, "persistence_unavailable");
      const head = await again.head(at);
      const events = await again.events(at, { after: 0, limit: 10 });
      const block = await again.block(at, "b1");
      const whole = head?.lastSeq === 3 && events.length === 3 && block !== null;
      const none = head?.lastSeq === 1 && events.length === 1 && block === null;
      assert.ok(failure === null ? whole : whole || none, `session ${at.sessionId} has a part of what was appended`);
    }
  },

  "reopened: everything is as it was": async (subject) => {
    const reopen = needed(subject, "reopen");
    const adapter = await subject.open();
    const at = key("s1");
    const store = storeOf(adapter);
    await createSession(store, at, { name: ODD_TEXT, metadata: { odd: ODD_TEXT } });
    await append(store, {
      ...at,
      expectedSeq: 1,
      events: [delta("s1", 2, ODD_TEXT), delta("s1", 3)],
      cursor: { generation: 1, n: 5 },
      transcript: [{ key: "main", lines: [ODD_TEXT] }],
      blobs: [{ sha256: SHA, offset: 0, total: 3, bytes: Uint8Array.from([0, 255, 128]) }],
      files: { put: [{ path: "a.bin", sha256: SHA, size: 3 }], deleted: [] },
      blocks: [{ conversationId: "main", blockId: "b1", position: 2, block: text("b1", ODD_TEXT) }],
      messages: [{ messageId: "m1", idempotencyKey: "k1", contentHash: "h" }],
      sandbox: sandbox(1),
      nativeSessionId: "native",
      snapshot: stateAt("s1", 3),
      record: { lastActivity: minute(3) },
    });
    const before = await everything(store, at);
    const again = storeOf(await reopen());
    assert.equal(await everything(again, at), before);
    await append(again, { ...at, expectedSeq: 3, events: [delta("s1", 4)] });
    await assertRejects(createSession(again, at), "conflict");
  },

  "nine methods and the store show the same session": async (subject) => {
    const adapter = await subject.open();
    const store = storeOf(adapter);
    await adapter.createSessionRecord(record("s1", { name: "n" }));
    const head = await store.head(key("s1"));
    assert.ok(head);
    assert.equal(head.record.name, "n");
    const line = JSON.stringify({ odd: ODD_TEXT });
    await append(store, {
      ...key("s1"),
      expectedSeq: head.lastSeq,
      events: [delta("s1", head.lastSeq + 1, ODD_TEXT)],
      transcript: [{ key: "main", lines: [line, line] }],
      blobs: [{ sha256: SHA, offset: 0, total: 2, bytes: Uint8Array.from([200, 0]) }],
      files: { put: [{ path: "a.bin", sha256: SHA, size: 2 }], deleted: [] },
    });
    const loaded = await adapter.loadSession("s1");
    const lines = (loaded?.rawTranscript ?? "")
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text) as object)
      // Lines of other kinds may stand among them.
      .filter((line) => "event" in line || "transcript" in line);
    const events = await store.events(key("s1"), { after: 0, limit: 100 });
    assert.deepEqual(lines, [
      ...events.map((event) => ({ event })),
      { transcript: { key: "main", line } },
      { transcript: { key: "main", line } },
    ]);
    const [file] = loaded?.workspaceFiles ?? [];
    assert.deepEqual([file?.content, file?.encoding], ["yAA=", "base64"]);
    await adapter.saveWorkspaceFile("s1", { path: "b.txt", content: "é" });
    await adapter.deleteSessionFile("s1", "a.bin");
    const [saved, ...rest] = await store.files(key("s1"));
    assert.deepEqual([saved?.path, saved?.size, rest], ["b.txt", 2, []]);
    assert.equal(Buffer.concat(await collect(store.blob(key("s1"), saved?.sha256 ?? ""))).toString(), "é");
  },
};
