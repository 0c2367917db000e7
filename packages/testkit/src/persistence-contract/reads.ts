import assert from "node:assert/strict";
import type { BlockWrite, ConversationBlock, SessionStore } from "@hhopkins/agent-runtime-protocol";
import { append, change, createSession, delta, key, ODD_TEXT, stateAt, text } from "./samples.ts";
import { assertRejects, collect, openStore, type PersistenceCase } from "./subject.ts";

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

function write(blockId: string, position: number, more: Partial<BlockWrite> = {}): BlockWrite {
  return { conversationId: "main", blockId, position, block: text(blockId), ...more };
}

async function page(
  store: SessionStore,
  before: string | undefined,
  { limit, conversationId = "main" }: { limit: number; conversationId?: string },
) {
  const query = { conversationId, limit, ...(before === undefined ? {} : { before }) };
  const { blocks, more } = await store.blocks(key("s1"), query);
  return { ids: blocks.map((block) => block.id), more };
}

async function sessionWithBlocks(store: SessionStore, count: number): Promise<void> {
  await createSession(store, key("s1"));
  const blocks = range(1, count).map((n) => write(`b${n}`, n * 10));
  await append(store, change(key("s1"), 1, { blocks }));
}

export const readCases: Record<string, PersistenceCase> = {
  "read: a session that is not there is empty": async (subject) => {
    const store = await openStore(subject);
    const none = key("none");
    assert.equal(await store.head(none), null);
    assert.deepEqual(await store.events(none, { after: 0, limit: 10 }), []);
    assert.deepEqual(await store.blocks(none, { conversationId: "main", limit: 10 }), { blocks: [], more: false });
    assert.deepEqual(await store.blocks(none, { conversationId: "main", before: "b", limit: 10 }), {
      blocks: [],
      more: false,
    });
    assert.equal(await store.block(none, "b"), null);
    assert.deepEqual(await store.files(none), []);
    assert.deepEqual(await collect(store.blob(none, "a".repeat(64))), []);
    assert.equal(await store.blobSize(none, "a".repeat(64)), 0);
    assert.deepEqual(await collect(store.transcript(none)), []);
    assert.equal(await store.message(none, { messageId: "m" }), null);
    assert.deepEqual(await store.list({ tenant: "default", limit: 10 }), { sessions: [] });
    await store.delete(none);
  },

  "events: pages by cursor, without hole or double": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const events = range(2, 250).map((seq) => delta("s1", seq, seq % 7 === 0 ? ODD_TEXT : `${seq}`));
    await append(store, { ...key("s1"), expectedSeq: 1, events });
    const seen = [];
    for (let after = 1; ;) {
      const next = await store.events(key("s1"), { after, limit: 64 });
      seen.push(...next);
      after = next.at(-1)?.seq ?? after;
      if (next.length < 64) break;
    }
    assert.deepEqual(seen, events);
    assert.equal(JSON.stringify(seen), JSON.stringify(events));
    assert.deepEqual(await store.events(key("s1"), { after: 250, limit: 64 }), []);
    assert.deepEqual(await store.events(key("s1"), { after: 9999, limit: 64 }), []);
  },

  "events: one of a megabyte, and odd texts, come back as they were": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const events = [delta("s1", 2, "é".repeat(500_000)), delta("s1", 3, ODD_TEXT), delta("s1", 4, "")];
    await append(store, { ...key("s1"), expectedSeq: 1, events });
    const back = await store.events(key("s1"), { after: 1, limit: 10 });
    assert.ok(JSON.stringify(back) === JSON.stringify(events));
  },

  "snapshot: the last one that was given": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    await append(store, { ...key("s1"), expectedSeq: 1, events: [delta("s1", 2)], snapshot: stateAt("s1", 2) });
    const later = stateAt("s1", 3, { blocks: [text("b1", ODD_TEXT)], metadata: { odd: ODD_TEXT } });
    await append(store, { ...key("s1"), expectedSeq: 2, events: [delta("s1", 3)], snapshot: later });
    await append(store, { ...key("s1"), expectedSeq: 3, events: [delta("s1", 4)] });
    const head = await store.head(key("s1"));
    assert.equal(JSON.stringify(head?.snapshot), JSON.stringify(later));
    assert.equal(head?.lastSeq, 4);
  },

  "blocks: pages backwards, oldest first": async (subject) => {
    const store = await openStore(subject);
    await sessionWithBlocks(store, 7);
    assert.deepEqual(await page(store, undefined, { limit: 3 }), { ids: ["b5", "b6", "b7"], more: true });
    assert.deepEqual(await page(store, "b5", { limit: 3 }), { ids: ["b2", "b3", "b4"], more: true });
    assert.deepEqual(await page(store, "b2", { limit: 3 }), { ids: ["b1"], more: false });
    assert.deepEqual(await page(store, "b1", { limit: 3 }), { ids: [], more: false });
    assert.deepEqual(await page(store, undefined, { limit: 7 }), { ids: range(1, 7).map((n) => `b${n}`), more: false });
    await assertRejects(page(store, "never-was", { limit: 3 }), "invalid_request");
  },

  "blocks: an old one is changed where it stands": async (subject) => {
    const store = await openStore(subject);
    await sessionWithBlocks(store, 4);
    const changed: ConversationBlock = text("b2", ODD_TEXT);
    const blocks = [write("b2", 999, { block: text("b2", "between") }), write("b2", 1000, { block: changed })];
    await append(store, change(key("s1"), 1, { blocks }));
    assert.deepEqual((await page(store, undefined, { limit: 9 })).ids, ["b1", "b2", "b3", "b4"]);
    assert.deepEqual(await store.block(key("s1"), "b2"), { block: changed, position: 20, conversationId: "main" });
  },

  "blocks: one that was taken back is gone, and is still a cursor": async (subject) => {
    const store = await openStore(subject);
    await sessionWithBlocks(store, 4);
    await append(store, change(key("s1"), 1, { blocks: [write("b3", 30, { block: null })] }));
    assert.equal(await store.block(key("s1"), "b3"), null);
    assert.deepEqual(await page(store, undefined, { limit: 9 }), { ids: ["b1", "b2", "b4"], more: false });
    assert.deepEqual(await page(store, "b3", { limit: 9 }), { ids: ["b1", "b2"], more: false });
    assert.deepEqual(await page(store, undefined, { limit: 3 }), { ids: ["b1", "b2", "b4"], more: false });
  },

  "blocks: each conversation has its own": async (subject) => {
    const store = await openStore(subject);
    await sessionWithBlocks(store, 2);
    await append(store, change(key("s1"), 1, { blocks: [write("sub1", 15, { conversationId: "agent-1" })] }));
    assert.deepEqual((await page(store, undefined, { limit: 9 })).ids, ["b1", "b2"]);
    assert.deepEqual(await page(store, undefined, { limit: 9, conversationId: "agent-1" }), {
      ids: ["sub1"],
      more: false,
    });
    assert.equal((await store.block(key("s1"), "sub1"))?.conversationId, "agent-1");
  },

  "transcript: lines come in the order of their appending, over many appends": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const pieces = range(1, 130).map((n) => ({ key: n % 3 === 0 ? "sub/🙂" : "main", lines: [`${n}a`, ODD_TEXT, ""] }));
    for (const piece of pieces.slice(0, 60)) await append(store, change(key("s1"), 1, { transcript: [piece] }));
    await append(store, change(key("s1"), 1, { transcript: pieces.slice(60) }));
    const kept = pieces.map((piece) => ({ ...piece, seq: 2 }));
    assert.deepEqual(await collect(store.transcript(key("s1"))), kept);
  },

  "messages: found by id and by idempotency key": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const one = { messageId: "m1", idempotencyKey: "K1", contentHash: "h1", position: 3 };
    const two = { messageId: "m2", contentHash: "h2" };
    await append(store, change(key("s1"), 1, { messages: [one, two] }));
    assert.deepEqual(await store.message(key("s1"), { messageId: "m1" }), one);
    assert.deepEqual(await store.message(key("s1"), { idempotencyKey: "K1" }), one);
    assert.deepEqual(await store.message(key("s1"), { messageId: "m2" }), two);
    for (const by of [
      { messageId: "K1" },
      { messageId: "M1" },
      { idempotencyKey: "k1" },
      { idempotencyKey: "m1" },
      {},
    ]) {
      assert.equal(await store.message(key("s1"), by), null);
    }
  },

  "read: what was read or written is nobody else's": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const metadata = { a: 1 };
    const bytes = Buffer.from("abc");
    const sha256 = "c".repeat(64);
    const blobs = [{ sha256, offset: 0, total: 3, bytes }];
    await append(store, change(key("s1"), 1, { record: { metadata }, blobs }));
    metadata.a = 2;
    bytes.fill(0);
    const head = await store.head(key("s1"));
    assert.deepEqual(head?.record.metadata, { a: 1 });
    Object.assign(head?.record.metadata ?? {}, { a: 3 });
    for (const piece of await collect(store.blob(key("s1"), sha256))) piece.fill(1);
    assert.deepEqual((await store.head(key("s1")))?.record.metadata, { a: 1 });
    assert.equal(Buffer.concat(await collect(store.blob(key("s1"), sha256))).toString(), "abc");
  },
};
