import assert from "node:assert/strict";
import type { AppendBatch, FileEntry, SessionStore } from "@hhopkins/agent-runtime-protocol";
import { append, change, created, createSession, delta, key, minute, record } from "./samples.ts";
import { collect, needCheckpoints, openStore, type PersistenceCase } from "./subject.ts";

const SHA = "d".repeat(64);

async function blob(store: SessionStore, sha256 = SHA): Promise<Buffer> {
  return Buffer.concat(await collect(store.blob(key("s1"), sha256)));
}

function chunk(bytes: Buffer, from: number, to: number) {
  return { sha256: SHA, offset: from, total: bytes.byteLength, bytes: bytes.subarray(from, to) };
}

/** Bytes of every value, in an order that repeats late. */
function someBytes(size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, index) => (index * 7 + (index >> 8)) % 256));
}

export const fileCases: Record<string, PersistenceCase> = {
  "files: put, replaced, deleted, listed by path": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const long = `${"x".repeat(250)}/`.repeat(16).slice(0, 4000);
    const put: FileEntry[] = [
      { path: "b", type: "file", mode: 0o644, size: 1, sha256: SHA, createdAt: minute(1), modifiedAt: minute(2) },
      { path: "a", type: "symlink", target: "../x" },
      { path: "dir", type: "directory", mode: 0o755 },
      { path: "B", type: "file", size: 0 },
      { path: "\ud800", type: "file" },
      { path: "\ud801", type: "file" },
      { path: long, type: "file" },
    ];
    await append(store, change(key("s1"), 1, { files: { put, deleted: [] } }));
    const sorted = put.toSorted((a, b) => (a.path < b.path ? -1 : 1));
    assert.deepEqual(await store.files(key("s1")), sorted);
    const changed = { path: "b", type: "file", size: 2 } as const;
    await append(store, change(key("s1"), 1, { files: { put: [changed], deleted: ["a", "\ud800", "none"] } }));
    const left = sorted.filter((file) => file.path !== "a" && file.path !== "\ud800");
    assert.deepEqual(
      await store.files(key("s1")),
      left.map((file) => (file.path === "b" ? changed : file)),
    );
  },

  "files: a path that is put and deleted at once is there": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    await append(
      store,
      change(key("s1"), 1, { files: { put: [{ path: "a" }, { path: "a", size: 2 }], deleted: ["a"] } }),
    );
    assert.deepEqual(await store.files(key("s1")), [{ path: "a", size: 2 }]);
  },

  "blobs: pieces in any order make the whole, byte for byte": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const bytes = someBytes(600_000);
    await append(store, change(key("s1"), 1, { blobs: [chunk(bytes, 400_000, 600_000)] }));
    assert.equal(await store.blobSize(key("s1"), SHA), 0);
    assert.deepEqual(await collect(store.blob(key("s1"), SHA)), []);
    await append(store, change(key("s1"), 1, { blobs: [chunk(bytes, 0, 100_000)] }));
    assert.equal(await store.blobSize(key("s1"), SHA), 100_000);
    assert.deepEqual(await collect(store.blob(key("s1"), SHA)), [], "a blob with a hole gives nothing");
    await append(store, change(key("s1"), 1, { blobs: [chunk(bytes, 100_000, 400_000)] }));
    assert.equal(await store.blobSize(key("s1"), SHA), 600_000);
    assert.ok((await blob(store)).equals(bytes));
  },

  "blobs: one that has only begun gives nothing": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    await append(store, change(key("s1"), 1, { blobs: [chunk(someBytes(10), 0, 9)] }));
    assert.equal(await store.blobSize(key("s1"), SHA), 9);
    assert.deepEqual(await collect(store.blob(key("s1"), SHA)), []);
  },

  "blobs: a piece at the same offset again is ignored, and pieces may overlap": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const bytes = someBytes(100);
    const other = Buffer.alloc(100, 1);
    const first = chunk(bytes, 0, 60);
    await append(store, change(key("s1"), 1, { blobs: [first, first, chunk(other, 0, 60)] }));
    await append(store, change(key("s1"), 1, { blobs: [chunk(other, 0, 100), chunk(bytes, 40, 100)] }));
    assert.ok((await blob(store)).equals(bytes));
  },

  "blobs: one that was dropped can be put again, with other bytes": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const bytes = someBytes(100);
    await append(store, change(key("s1"), 1, { blobs: [chunk(Buffer.alloc(100, 1), 0, 100)] }));
    await append(store, change(key("s1"), 1, { droppedBlobs: [SHA], blobs: [chunk(bytes, 0, 100)] }));
    assert.ok((await blob(store)).equals(bytes));
    await append(store, change(key("s1"), 1, { droppedBlobs: [SHA, "e".repeat(64)] }));
    assert.equal(await store.blobSize(key("s1"), SHA), 0);
  },

  "checkpoints: lines of a transcript belong to one when they were appended before it or with it": async (subject) => {
    needCheckpoints(subject);
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const line = (text: string) => [{ key: "main", lines: [text] }];
    const at = (seq: number, write: Partial<AppendBatch>) =>
      append(store, change(key("s1"), seq - 1, { events: [delta("s1", seq)], ...write }));
    await at(2, { transcript: line("before") });
    await at(3, { transcript: line("with"), checkpoint: { turnId: "t1" } });
    await append(store, change(key("s1"), 3, { transcript: line("after") }));
    await at(4, { transcript: line("later") });
    const pieces = await collect(store.transcript(key("s1")));
    assert.deepEqual(pieces, [
      { key: "main", lines: ["before"], seq: 2 },
      { key: "main", lines: ["with"], seq: 3 },
      { key: "main", lines: ["after"], seq: 4 },
      { key: "main", lines: ["later"], seq: 4 },
    ]);
  },

  "checkpoints: a session can begin with one": async (subject) => {
    needCheckpoints(subject);
    const store = await openStore(subject);
    const session = record("s1");
    const file: FileEntry = { path: "a", type: "file", size: 1, sha256: SHA };
    const first = { events: [created(session)], files: { put: [file], deleted: [] }, checkpoint: { turnId: "start" } };
    await store.create({ ...key("s1"), record: session, logId: "log", first });
    await append(store, change(key("s1"), 1, { files: { put: [], deleted: ["a"] } }));
    assert.deepEqual(await store.checkpoints(key("s1"), { limit: 9 }), [{ seq: 1, turnId: "start" }]);
    assert.deepEqual(await store.filesAt(key("s1"), 1), [file]);
  },

  "checkpoints: the files of each stay as they were, whatever becomes of them": async (subject) => {
    needCheckpoints(subject);
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const file = (path: string, size: number): FileEntry => ({ path, type: "file", mode: 0o644, size, sha256: SHA });
    const files = (put: FileEntry[], ...deleted: string[]) => ({ put, deleted });
    const at = (seq: number, write: Partial<AppendBatch>) =>
      append(store, change(key("s1"), seq - 1, { events: [delta("s1", seq)], ...write }));
    await at(2, { files: files([file("a", 1), file("b", 1)]), checkpoint: { turnId: "t1" } });
    await append(store, change(key("s1"), 2, { files: files([file("c", 1)], "b") }));
    await at(3, { files: files([file("a", 2), { path: "d", type: "directory" }]) });
    await at(4, { checkpoint: { turnId: "t2" } });
    await at(5, { files: files([file("b", 5)], "a", "c", "d") });
    assert.deepEqual(await store.filesAt(key("s1"), 2), [file("a", 1), file("b", 1)]);
    assert.deepEqual(await store.filesAt(key("s1"), 4), [file("a", 2), file("c", 1), { path: "d", type: "directory" }]);
    assert.deepEqual(await store.files(key("s1")), [file("b", 5)]);
    assert.deepEqual(await store.checkpoints(key("s1"), { limit: 9 }), [
      { seq: 4, turnId: "t2" },
      { seq: 2, turnId: "t1" },
    ]);
    assert.deepEqual(await store.checkpoints(key("s1"), { limit: 1 }), [{ seq: 4, turnId: "t2" }]);
    assert.deepEqual(await store.checkpoints(key("s1"), { before: 4, limit: 9 }), [{ seq: 2, turnId: "t1" }]);
    assert.deepEqual(await store.checkpoints(key("s2"), { limit: 9 }), []);
    assert.deepEqual(await store.filesAt(key("s2"), 4), []);
  },

  "blobs: an empty one is whole": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const empty = { sha256: SHA, offset: 0, total: 0, bytes: Buffer.alloc(0) };
    await append(store, change(key("s1"), 1, { blobs: [empty] }));
    assert.equal((await blob(store)).byteLength, 0);
    assert.equal(await store.blobSize(key("s1"), SHA), 0);
  },
};
