import { NO_USAGE, type ConversationBlock, type EventDraft } from "@hhopkins/agent-runtime-protocol";
import { expect, test, vi } from "vitest";
import { memoryStore } from "../persistence/memory-store.ts";
import type { SessionStore } from "../persistence/session-store.ts";
import { CursorTooOld, followLog } from "./follower.ts";
import { readState, SessionLog } from "./session-log.ts";
import { openLog } from "./testing/log-bench.ts";
import { Reader } from "./testing/reader.ts";

const place = { sessionId: "s1", conversationId: "main" };
const block = (id: string, content = ""): ConversationBlock => ({
  type: "assistant_text",
  id,
  timestamp: "2026-01-01T00:00:01.000Z",
  content,
});
const start = (id: string): EventDraft => ({ type: "session:block:start", data: { ...place, block: block(id) } });
const deltas = (id: string, count: number): EventDraft[] =>
  Array.from({ length: count }, () => ({ type: "session:block:delta", data: { ...place, blockId: id, delta: "x" } }));
const complete = (id: string, count: number): EventDraft => ({
  type: "session:block:complete",
  data: { ...place, blockId: id, block: block(id, "x".repeat(count)) },
});
const said = (id: string, count: number): EventDraft[] => [start(id), ...deltas(id, count), complete(id, count)];
const turnEnd: EventDraft = {
  type: "session:turn:completed",
  data: { sessionId: "s1", turnId: "t", messageIds: [], status: "completed", usage: NO_USAGE, costUSD: 0 },
};

/** Numbers of the events that are kept, and what they stand for where that is more. */
async function kept(store: SessionStore): Promise<(number | string)[]> {
  const events = await store.events({ tenant: "default", sessionId: "s1" }, { after: 0, limit: 10_000 });
  return events.map(({ seq, from }) => (from === undefined ? seq : `${from}-${seq}`));
}

/** Waits until the log is compacted up to a number, and nothing goes on. */
async function compacted(store: SessionStore, upTo: number, log: SessionLog): Promise<void> {
  await vi.waitFor(async () => expect((await store.head(log.key))?.compactedTo).toBe(upTo));
  await log.rest();
}

test("after a turn the deltas of complete blocks are dropped, but for the log's last events", async () => {
  const store = memoryStore();
  const { log } = await openLog(store, "s1", { compactAfter: 5 });
  await log.append({ events: [...said("b:1", 10), ...said("b:2", 3)] });
  expect(await kept(store)).toHaveLength(18);
  await log.append({ events: [turnEnd] });
  await compacted(store, 14, log);
  // 1 created, 2 start, 3–12 deltas, 13 complete, 14 start, 15–17 deltas, 18 complete, 19 the turn's end.
  expect(await kept(store)).toEqual([1, 2, "3-13", 14, 15, 16, 17, 18, 19]);
});

test("deltas of a block that is still open stay until a later turn", async () => {
  const store = memoryStore();
  const { log } = await openLog(store, "s1", { compactAfter: 1 });
  await log.append({ events: [start("b:open"), ...deltas("b:open", 300), ...said("b:1", 300), turnEnd] });
  await vi.waitFor(async () => expect(await kept(store)).toHaveLength(305));
  await log.rest();
  const first = await kept(store);
  // 1 created, 2 and 3 starts with 300 deltas between, the other block's complete, the turn's end.
  expect(first.slice(-3)).toEqual([303, "304-604", 605]);
  await log.append({ events: [complete("b:open", 300), turnEnd] });
  await compacted(store, 606, log);
  expect(await kept(store)).toEqual([1, 2, "3-303", "304-604", 605, 606, 607]);
});

test("a store that fails loses nothing: the next turn's end goes on where the last one came to, also after a restart", async () => {
  const inner = memoryStore();
  const warnings: string[] = [];
  let calls = 0;
  const failing = async (...given: Parameters<SessionStore["compact"]>): Promise<void> => {
    calls += 1;
    if (calls === 2) throw new Error("the disk is full");
    await inner.compact(...given);
  };
  const store = { ...inner, compact: failing };
  const more = { compactAfter: 1, log: { warn: (_detail: object, message: string) => void warnings.push(message) } };
  const { key, parts, log } = await openLog(store, "s1", more);
  await log.append({ events: [...said("b:1", 600), turnEnd] });
  await vi.waitFor(() => expect(warnings).toHaveLength(1));
  expect((await store.head(key))?.compactedTo).toBe(256);
  const head = await store.head(key);
  if (head === null) throw new Error("no head");
  const next = await SessionLog.open(key, parts, head);
  expect(JSON.stringify(next.state)).toBe(JSON.stringify(log.state));
  await next.append({ events: [turnEnd] });
  await compacted(store, 604, next);
  expect(await kept(store)).toEqual([1, 2, "3-603", 604, 605]);
});

test("a cursor in the middle of what was dropped gets the complete block, and ends in the same state", async () => {
  const store = memoryStore();
  const { key, parts, log } = await openLog(store, "s1", { compactAfter: 1 });
  await log.append({ events: [start("b:1"), ...deltas("b:1", 10)] });
  const reader = new Reader(parts, key);
  await reader.read(5);
  await reader.cut();
  const half = new Reader(parts, key, reader.state);
  await log.append({ events: [...deltas("b:1", 5), complete("b:1", 15), turnEnd] });
  await log.rest();
  expect(await kept(store)).toEqual([1, 2, "3-18", 19]);
  await half.read(19);
  expect(JSON.stringify(half.state)).toBe(JSON.stringify(log.state));
  await half.cut();
});

test("a follow that is to end in the middle of what was dropped ends with what stands for it", async () => {
  const store = memoryStore();
  const { key, parts, log } = await openLog(store, "s1", { compactAfter: 1 });
  await log.append({ events: [...said("b:1", 10), turnEnd] });
  await log.rest();
  const seen: number[] = [];
  const options = { after: 0, until: 8, signal: new AbortController().signal };
  for await (const frames of followLog(parts, key, options)) seen.push(...frames.map(({ event }) => event.seq));
  expect(seen).toEqual([1, 2, 13]);
});

test("a log that has lost its beginning is not served as if it were whole", async () => {
  const inner = memoryStore();
  const store: SessionStore = {
    ...inner,
    events: async (key, page) => (await inner.events(key, page)).filter(({ seq }) => seq > 4),
  };
  const { key, parts, log } = await openLog(inner, "s1");
  await log.append({ events: [...said("b:1", 5)] });
  const { signal } = new AbortController();
  await expect(followLog({ ...parts, store }, key, { after: 2, signal }).next()).rejects.toBeInstanceOf(CursorTooOld);
  expect((await followLog({ ...parts, store }, key, { after: 4, signal }).next()).value).toHaveLength(4);
  const head = await store.head(key);
  if (head === null) throw new Error("no head");
  await expect(readState(store, key, head)).rejects.toMatchObject({ code: "persistence_unavailable" });
  await vi.waitFor(() => expect(parts.hub.size).toBe(1));
});
