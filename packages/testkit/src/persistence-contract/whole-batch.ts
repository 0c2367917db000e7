import assert from "node:assert/strict";
import type { AppendBatch, SessionKey, SessionStore } from "@hhopkins/agent-runtime-protocol";
import { minute, sandbox, text } from "./samples.ts";
import { collect } from "./subject.ts";

const sha256 = "b".repeat(64);

/** What a batch can write beside events. */
export const EVERYTHING = {
  cursor: { generation: 1, n: 7 },
  transcript: [{ key: "k", lines: ["line"] }],
  blobs: [{ sha256, offset: 0, total: 1, bytes: Buffer.from("x") }],
  files: { put: [{ path: "a.txt", sha256, size: 1 }], deleted: [] },
  blocks: [{ conversationId: "main", blockId: "b1", position: 2, block: text("b1") }],
  messages: [{ messageId: "m1", contentHash: "h" }],
  sandbox: sandbox(1),
  nativeSessionId: "native",
  record: { name: "changed", lastActivity: minute(9) },
} satisfies Partial<AppendBatch>;

/** Nothing of `EVERYTHING` was written. The head is for the case to look at: it may have been changed by others. */
export async function assertNoTrace(store: SessionStore, at: SessionKey): Promise<void> {
  assert.deepEqual(await store.files(at), []);
  assert.equal(await store.blobSize(at, sha256), 0);
  assert.equal(await store.block(at, "b1"), null);
  assert.equal(await store.message(at, { messageId: "m1" }), null);
  assert.deepEqual(await collect(store.transcript(at)), []);
  assert.deepEqual(await store.claimed(), []);
}
