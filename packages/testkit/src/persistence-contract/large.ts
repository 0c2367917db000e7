import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { BLOB_CHUNK_BYTES, type BlobChunk, type BlockWrite, type SessionStore } from "@hhopkins/agent-runtime-protocol";
import { append, change, createSession, delta, key, text } from "./samples.ts";
import { collect, needed, openStore, storeOf, type PersistenceCase } from "./subject.ts";

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Bytes of every value that do not repeat soon, the same each time. */
function someBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let index = 0, state = 1; index < size; index += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    bytes[index] = state >> 16;
  }
  return bytes;
}

/** The pieces in which the runtime writes a file. */
function pieces(bytes: Buffer, sha256: string): BlobChunk[] {
  const count = Math.ceil(bytes.byteLength / BLOB_CHUNK_BYTES);
  return range(0, count - 1).map((index) => {
    const offset = index * BLOB_CHUNK_BYTES;
    return { sha256, offset, total: bytes.byteLength, bytes: bytes.subarray(offset, offset + BLOB_CHUNK_BYTES) };
  });
}

const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function readBack(store: SessionStore, sha256: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of store.blob(key("s1"), sha256)) hash.update(piece);
  return hash.digest("hex");
}

export const largeCases: Record<string, PersistenceCase> = {
  "blobs: one of many pieces comes back byte for byte, piece by piece": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const bytes = someBytes(4 * 1024 * 1024 + 7);
    const sha256 = sha256Of(bytes);
    for (const piece of pieces(bytes, sha256).toReversed()) {
      await append(store, change(key("s1"), 1, { blobs: [piece] }));
    }
    assert.equal(await store.blobSize(key("s1"), sha256), bytes.byteLength);
    assert.equal(await readBack(store, sha256), sha256);
    const parts = await collect(store.blob(key("s1"), sha256));
    assert.ok(parts.length > 1, "a large blob comes in one piece");
  },

  "blobs: several that are read at once do not mix, and reading may stop early": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const hashes: string[] = [];
    for (const n of [1, 2, 3]) {
      const bytes = someBytes(600_000 + n);
      const sha256 = sha256Of(bytes);
      hashes.push(sha256);
      await append(store, change(key("s1"), 1, { blobs: pieces(bytes, sha256) }));
    }
    const [first = ""] = hashes;
    for await (const piece of store.blob(key("s1"), first)) {
      assert.ok(piece.byteLength > 0);
      break;
    }
    assert.deepEqual(await Promise.all(hashes.map((sha256) => readBack(store, sha256))), hashes);
  },

  "blobs: bytes that are there already are not written again, whichever file has them": async (subject) => {
    const rowCount = needed(subject, "rowCount");
    const store = await openStore(subject);
    const bytes = someBytes(700_000);
    const sha256 = sha256Of(bytes);
    const put = (path: string) => ({ put: [{ path, sha256, size: bytes.byteLength }], deleted: [] });
    const grown = async (sessionId: string, path: string, blobs: readonly BlobChunk[]): Promise<number> => {
      const before = await rowCount();
      await append(store, change(key(sessionId), 1, { files: put(path), blobs }));
      return (await rowCount()) - before;
    };
    for (const id of ["s1", "s2"]) await createSession(store, key(id));
    const first = await grown("s1", "a.bin", pieces(bytes, sha256));
    const entryAlone = await grown("s1", "b.bin", []);
    assert.ok(first > entryAlone, "the bytes have no row that could be seen");
    assert.equal(await grown("s1", "c.bin", pieces(bytes, sha256)), entryAlone);
    assert.equal(await grown("s1", "c.bin", pieces(bytes, sha256)), 0, "an unchanged file is nothing new");
    assert.equal(await readBack(store, sha256), sha256);
    assert.equal(await store.blobSize(key("s2"), sha256), 0, "another session has bytes that it was not given");
  },

  "append: five thousand events, blocks and files in one batch": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const count = 5_000;
    const events = range(2, count + 1).map((seq) => delta("s1", seq));
    const blocks: BlockWrite[] = range(1, count).map((n) => ({
      conversationId: "main",
      blockId: `b${n}`,
      position: n,
      block: text(`b${n}`, `${n}`),
    }));
    const put = range(1, count).map((n) => ({ path: `f/${n}`, type: "file" as const, size: n }));
    const messages = range(1, 500).map((n) => ({ messageId: `m${n}`, idempotencyKey: `k${n}`, contentHash: "h" }));
    await append(store, { ...key("s1"), expectedSeq: 1, events, blocks, files: { put, deleted: [] }, messages });
    const tail = await store.events(key("s1"), { after: count - 2, limit: 1_000 });
    assert.deepEqual(
      tail.map(({ seq }) => seq),
      [count - 1, count, count + 1],
    );
    assert.equal((await store.files(key("s1"))).length, count);
    assert.equal((await store.message(key("s1"), { idempotencyKey: "k500" }))?.messageId, "m500");
    const deleted = put.map(({ path }) => path);
    await append(store, change(key("s1"), count + 1, { files: { put: [], deleted } }));
    assert.deepEqual(await store.files(key("s1")), []);
  },

  "append: two hundred sessions in one call": async (subject) => {
    const store = await openStore(subject);
    const keys = range(1, 200).map((n) => key(`s${n}`));
    for (const at of keys) await createSession(store, at);
    const batches = keys.map((at, index) => ({
      ...at,
      expectedSeq: index === 100 ? 7 : 1,
      events: [delta(at.sessionId, index === 100 ? 8 : 2)],
    }));
    const outcomes = await store.append(batches);
    assert.deepEqual(
      outcomes.map((outcome) => outcome === null),
      keys.map((_at, index) => index !== 100),
    );
    assert.equal((await store.events(key("s200"), { after: 1, limit: 10 })).length, 1);
  },

  "blocks: a long conversation is paged backwards whole, while it grows and an old block changes": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const write = (n: number, content: string): BlockWrite => {
      const blockId = `b${n}`;
      return { conversationId: "main", blockId, position: n, block: text(blockId, content) };
    };
    const count = 1_000;
    await append(store, change(key("s1"), 1, { blocks: range(1, count).map((n) => write(n, "old")) }));
    const seen: string[] = [];
    for (let before: string | undefined, more = true, n = count; more; n += 1) {
      const query = { conversationId: "main", limit: 64, ...(before === undefined ? {} : { before }) };
      const page = await store.blocks(key("s1"), query);
      assert.ok(page.blocks.length === 64 || !page.more);
      seen.unshift(...page.blocks.map(({ id }) => id));
      ({ more } = page);
      before = page.blocks[0]?.id;
      await append(store, change(key("s1"), 1, { blocks: [write(n + 1, "new"), write(n - 100, "changed")] }));
    }
    assert.deepEqual(
      seen,
      range(1, count).map((n) => `b${n}`),
    );
  },

  "delete: of a long session leaves nothing, and nothing can be read of it from the first moment on": async (
    subject,
  ) => {
    const rowCount = needed(subject, "rowCount");
    const adapter = await subject.open();
    const store = storeOf(adapter);
    const before = await rowCount();
    await createSession(store, key("s1"));
    const bytes = someBytes(BLOB_CHUNK_BYTES * 3);
    await append(store, {
      ...key("s1"),
      expectedSeq: 1,
      events: range(2, 6_001).map((seq) => delta("s1", seq)),
      transcript: range(1, 1_200).map((n) => ({ key: "main", lines: [`${n}`] })),
      files: { put: range(1, 3_000).map((n) => ({ path: `f/${n}`, type: "file" as const })), deleted: [] },
      blobs: pieces(bytes, sha256Of(bytes)),
      checkpoint: { turnId: "t1" },
    });
    await adapter.saveTranscript("s1", "the whole transcript");
    await store.compact(key("s1"), { drop: [{ from: 10, to: 20 }], upTo: 20 });
    const deleting = store.delete(key("s1"));
    const deleted = deleting.then(() => true);
    for (let done = false, gone = false; !done;) {
      done = await Promise.race([deleted, new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))]);
      const [head, list, events] = [
        await store.head(key("s1")),
        await store.list({ tenant: "default", limit: 10 }),
        await store.events(key("s1"), { after: 0, limit: 3 }),
      ];
      if (gone) assert.deepEqual([head, list.sessions, events], [null, [], []]);
      gone ||= head === null;
    }
    assert.equal(await rowCount(), before);
  },
};
