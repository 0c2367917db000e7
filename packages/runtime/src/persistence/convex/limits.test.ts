import { createHash } from "node:crypto";
import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import type { JSONValue } from "convex/values";
import { describe, expect, test } from "vitest";
import type { AppendBatch } from "../session-store.ts";
import { TEST_SECRET } from "./testing/deployment.ts";
import { checkAnswer, checkArguments, checkDocument } from "./testing/limits.ts";
import { createSession, delta, deploymentForTest, failure, KEY, openedStore } from "./testing/stores.ts";

process.env["AGENT_RUNTIME_SECRET"] = TEST_SECRET;

/** Three bytes a character, so that parts cut by characters are as large as they can be. */
const LONG = "語".repeat(900_000);

async function opened() {
  const deployment = await deploymentForTest();
  const { store } = await openedStore(deployment);
  await createSession(store);
  const append = async (write: Partial<AppendBatch>) => {
    expect(await store.append([{ ...KEY, expectedSeq: 1, events: [], ...write }])).toEqual([null]);
  };
  return { deployment, store, append };
}

test("texts that are larger than a document come back as they were, and go with what they belong to", async () => {
  const { deployment, store, append } = await opened();
  const block = (content: string) => ({
    conversationId: "main",
    blockId: "b1",
    position: 1,
    block: { type: "assistant_text" as const, id: "b1", timestamp: "2026-11-22T08:00:00Z", content },
  });
  const state = { lastSeq: 2, name: LONG } as unknown as SessionState;
  await append({
    events: [delta(2, LONG), delta(3)],
    transcript: [{ key: "main", lines: [LONG, "short"] }],
    blocks: [block(LONG)],
    snapshot: state,
  });
  const [event] = await store.events(KEY, { after: 1, limit: 1 });
  expect(event?.type === "session:block:delta" && event.data.delta === LONG).toBe(true);
  const kept = [];
  for await (const { key, lines } of store.transcript(KEY)) kept.push({ key, lines });
  expect(JSON.stringify(kept) === JSON.stringify([{ key: "main", lines: [LONG, "short"] }])).toBe(true);
  expect((await store.head(KEY))?.snapshot?.name === LONG).toBe(true);
  const back = await store.block(KEY, "b1");
  expect(back?.block.type === "assistant_text" && back.block.content === LONG).toBe(true);

  const parts = async (owner: string) =>
    await deployment.look(async ({ db }) => {
      const rows = await db.query("agentRuntimeTexts").collect();
      return rows.filter((row) => row.owner.startsWith(owner)).length;
    });
  for (const owner of ["event", "transcript", "block", "snapshot"]) expect(await parts(owner)).toBeGreaterThan(1);
  await store.append([{ ...KEY, expectedSeq: 3, events: [], blocks: [block("short")] }]);
  expect(await parts("block")).toBe(0);
  await store.compact(KEY, { drop: [{ from: 2, to: 2 }], upTo: 2 });
  expect(await parts("event")).toBe(0);
  expect((await store.events(KEY, { after: 1, limit: 9 })).map(({ seq, from }) => [seq, from])).toEqual([[3, 2]]);
});

test("a batch of more than one transaction is written in pieces, the log with the last", async () => {
  const { deployment, store } = await opened();
  const bytes = new Uint8Array(7 * 1024 * 1024);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = (at * 31 + (at >> 9)) % 256;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const blobs = Array.from({ length: 28 }, (_unused, index) => {
    const offset = index * 256 * 1024;
    return { sha256, offset, total: bytes.length, bytes: bytes.subarray(offset, offset + 256 * 1024) };
  });
  const files = { put: [{ path: "a.bin", sha256, size: bytes.length }], deleted: [] };
  const batch = { ...KEY, expectedSeq: 1, events: [delta(2)], blobs, files, cursor: { generation: 1, n: 1 } };
  const tails: (number | null | undefined)[] = [];
  deployment.fate = (call) => {
    if (!call.path.endsWith(":append")) return "answer";
    tails.push((call.args["batches"] as { lastSeq: number }[])[0]?.lastSeq);
    return tails.length === 2 ? "refuse" : "answer";
  };
  // Cut off after the first piece: the log is where it was, and the same batch is taken again.
  expect((await store.append([batch]))[0]).toMatchObject({ code: "persistence_unavailable" });
  expect(await store.head(KEY)).toMatchObject({ lastSeq: 1, cursor: null });
  deployment.fate = () => "answer";
  expect(await store.append([batch])).toEqual([null]);
  expect(tails).toEqual([1, 1]);
  const hash = createHash("sha256");
  for await (const piece of store.blob(KEY, sha256)) hash.update(piece);
  expect(hash.digest("hex")).toBe(sha256);
  expect((await store.head(KEY))?.lastSeq).toBe(2);
  const lost = { ...batch, expectedSeq: 1 };
  expect((await store.append([lost]))[0]).toMatchObject({ code: "sequence_conflict" });
});

test("a batch that is too large as a whole is refused alone, and leaves nothing", async () => {
  const { deployment, store } = await opened();
  const before = JSON.stringify(await store.head(KEY));
  const huge = { ...KEY, expectedSeq: 1, events: [delta(2, LONG.repeat(8))] };
  const small = { ...KEY, expectedSeq: 1, events: [delta(2)] };
  const texts = async () =>
    await deployment.look(async ({ db }) => (await db.query("agentRuntimeTexts").take(1)).length);
  const outcomes = await store.append([huge]);
  expect(outcomes).toMatchObject([{ code: "persistence_unavailable" }]);
  expect(JSON.stringify(await store.head(KEY))).toBe(before);
  expect(await texts()).toBe(0);
  expect((await store.append([huge, small])).map((outcome) => outcome === null)).toEqual([false, true]);
});

test("a compaction of more than one transaction goes on where it was, and leaves a whole log in between", async () => {
  const { deployment, store } = await opened();
  const text = "x".repeat(9_000);
  const events = Array.from({ length: 1_400 }, (_unused, index) => delta(index + 2, text));
  for (let at = 0; at < events.length; at += 200) {
    const piece = events.slice(at, at + 200);
    expect(await store.append([{ ...KEY, expectedSeq: at + 1, events: piece }])).toEqual([null]);
  }
  let calls = 0;
  deployment.fate = ({ path }) => {
    if (!path.endsWith(":compact")) return "answer";
    calls += 1;
    return calls === 2 ? "refuse" : "answer";
  };
  const compaction = { drop: [{ from: 3, to: 1_390 }], upTo: 1_395 };
  await failure(store.compact(KEY, compaction));
  const half = await store.events(KEY, { after: 0, limit: 2_000 });
  let at = 0;
  for (const { seq, from } of half) {
    expect(from ?? seq).toBe(at + 1);
    at = seq;
  }
  expect(half.length).toBeLessThan(1_401);
  expect((await store.head(KEY))?.compactedTo).toBe(0);
  deployment.fate = () => "answer";
  await store.compact(KEY, compaction);
  const left = await store.events(KEY, { after: 0, limit: 2_000 });
  expect(left.slice(0, 3).map(({ seq, from }) => [seq, from])).toEqual([
    [1, undefined],
    [2, undefined],
    [1_391, 3],
  ]);
  expect(left.at(-1)?.seq).toBe(1_401);
  expect((await store.head(KEY))?.compactedTo).toBe(1_395);
});

test("a record that is larger than a document is refused with the field's name", async () => {
  const { store } = await opened();
  const metadata = { text: "x".repeat(1_000_000) };
  await store.delete(KEY);
  const error = await failure(createSession(store, metadata));
  expect(error).toMatchObject({ code: "payload_too_large", field: "metadata" });
  expect(await store.head(KEY)).toBeNull();
  await createSession(store);
  const record = { metadata };
  expect((await store.append([{ ...KEY, expectedSeq: 1, events: [], record }]))[0]).toMatchObject({
    code: "payload_too_large",
  });
});

test("ids that no Unicode text can be are kept all the same", async () => {
  const { store, append } = await opened();
  for (const [index, odd] of ["\ud800", "\0", '"quoted"', "é"].entries()) {
    const message = { messageId: `m${index}`, idempotencyKey: odd, contentHash: "h" };
    await append({ messages: [message], nativeSessionId: odd });
    expect(await store.message(KEY, { idempotencyKey: odd })).toEqual(message);
    expect((await store.head(KEY))?.nativeSessionId).toBe(odd);
  }
});

describe("the stand-in for a deployment holds us to", () => {
  const MiB = 1024 * 1024;
  const array = (length: number): number[] => Array.from({ length }, () => 0);
  const deep = (levels: number): JSONValue => (levels === 0 ? 0 : [deep(levels - 1)]);
  const fields = (count: number) => Object.fromEntries(array(count).map((zero, index) => [`f${index}`, zero]));

  test.for<[string, JSONValue, JSONValue]>([
    ["documents of 1 MiB", { text: "x".repeat(MiB - 500) }, { text: "x".repeat(MiB) }],
    ["documents of 1 MiB of bytes in UTF-8", { text: "é".repeat(MiB / 2 - 500) }, { text: "é".repeat(MiB / 2) }],
    ["arrays of 8,192", array(8_192), array(8_193)],
    ["objects of 1,024 fields", fields(1_024), fields(1_025)],
    ["16 levels", deep(16), deep(17)],
    ["strings of Unicode", "\ud83d\ude42", "\ud83d"],
  ])("%s", ([, most, more]) => {
    expect(() => checkDocument(most)).not.toThrow();
    expect(() => checkDocument(more)).toThrow();
  });

  test("16 MiB of arguments and answers", () => {
    for (const check of [checkArguments, checkAnswer]) {
      expect(() => check(array(17).map(() => "x".repeat(MiB - 100_000)))).not.toThrow();
      expect(() => check(array(17).map(() => "x".repeat(MiB)))).toThrow(/too large/);
    }
  });

  test("what is written in spite of them is not kept", async () => {
    const { deployment } = await opened();
    const insert = async (text: string) =>
      await deployment.look(async ({ db }) => {
        const [log] = await db.query("agentRuntimeLogs").collect();
        if (log !== undefined) await db.insert("agentRuntimeTexts", { log: log._id, owner: "x", part: 0, text });
      });
    await insert("x".repeat(MiB / 2));
    await expect(insert("x".repeat(MiB))).rejects.toThrow(/too large/);
    const reads = deployment.look(async ({ db }) => {
      for (let n = 0; n < 5_000; n += 1) await db.query("agentRuntimeNodes").first();
    });
    await expect(reads).rejects.toThrow(/index ranges/);
  });
});
