import { RuntimeError, type EventDraft } from "@hhopkins/agent-runtime-protocol";
import { describe, expect, test, vi } from "vitest";
import { followLog } from "./follower.ts";
import type { LogFrame } from "./frame.ts";
import { readState } from "./session-log.ts";
import { gatedStore, openLog } from "./testing/log-bench.ts";

const message = (messageId: string): EventDraft => ({
  type: "session:message:queued",
  data: { sessionId: "s1", messageId, content: `text of ${messageId}` },
});

describe("written first, seen second", () => {
  test("nobody sees an event before its append returned", async () => {
    const { store, gate } = gatedStore();
    const { key, parts, log } = await openLog(store);
    const seen: number[] = [];
    parts.hub.subscribe(key, {
      frames: (frames) => seen.push(...frames.map(({ event }) => event.seq)),
      ended: () => undefined,
    });
    gate.close();
    const appended = log.append({ events: [message("m1")] });
    await vi.waitFor(() => expect(gate.waiting).toBe(1));
    expect(seen).toEqual([]);
    expect(log.state.queue).toEqual([]);
    gate.open();
    await appended;
    expect(seen).toEqual([2]);
    expect(log.state.queue).toHaveLength(1);
  });

  test("nobody ever sees an event whose append failed, and its number is used again", async () => {
    const { store, gate } = gatedStore();
    const { key, parts, log } = await openLog(store);
    const seen: string[] = [];
    parts.hub.subscribe(key, {
      frames: (frames) => seen.push(...frames.map((frame) => frame.webSocket)),
      ended: () => undefined,
    });
    gate.close();
    const lost = log.append({ events: [message("lost")] });
    const failure = expect(lost).rejects.toMatchObject({ code: "persistence_unavailable" });
    await vi.waitFor(() => expect(gate.waiting).toBe(1));
    gate.open(new Error("the disk is full"));
    await failure;
    expect(seen).toEqual([]);
    expect(log.state.lastSeq).toBe(1);
    await log.append({ events: [message("kept")] });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toContain('"messageId":"kept"');
    expect(log.state.lastSeq).toBe(2);
    expect((await store.events(key, { after: 1, limit: 10 })).map((event) => event.data)).toEqual([
      message("kept").data,
    ]);
  });
});

test("batches of several sessions that arrive during a write go out together", async () => {
  const { store, gate, batches } = gatedStore();
  const logs = await Promise.all(["s1", "s2", "s3", "s4"].map((id) => openLog(store, id)));
  const [first] = logs;
  if (first === undefined) throw new Error("no log");
  const { SessionLog } = await import("./session-log.ts");
  const shared = await Promise.all(
    logs.map(async ({ key }) => {
      const head = await store.head(key);
      if (head === null) throw new Error("no head");
      return SessionLog.open(key, first.parts, head);
    }),
  );
  gate.close();
  const draft = (sessionId: string): EventDraft => ({
    type: "session:message:queued",
    data: { sessionId, messageId: "m", content: "c" },
  });
  const appends = shared.map((log) => log.append({ events: [draft(log.key.sessionId)] }));
  await vi.waitFor(() => expect(gate.waiting).toBe(1));
  gate.open();
  await Promise.all(appends);
  expect(batches).toEqual([1, 3]);
});

test("a log that another writer appended to refuses with sequence_conflict", async () => {
  const { store } = gatedStore();
  const { key, log } = await openLog(store);
  const event = { seq: 2, at: "2026-01-01T00:00:02.000Z", ...message("other") } as never;
  expect(await store.append([{ ...key, expectedSeq: 1, events: [event] }])).toEqual([null]);
  await expect(log.append({ events: [message("mine")] })).rejects.toBeInstanceOf(RuntimeError);
  await expect(log.append({ events: [message("mine")] })).rejects.toMatchObject({ code: "sequence_conflict" });
});

test("the state that is read back is the writer's, byte for byte, with and without a snapshot", async () => {
  const { store } = gatedStore();
  const { key, log } = await openLog(store);
  for (const snapshot of [false, true, false]) {
    await log.append({ events: [message(`m${log.state.lastSeq}`)], snapshot });
    const head = await store.head(key);
    if (head === null) throw new Error("no head");
    expect(JSON.stringify(await readState(store, key, head))).toBe(JSON.stringify(log.state));
  }
});

test("an update of a block whose text the state has cut keeps the whole in the store", async () => {
  const { store } = gatedStore();
  const { key, log } = await openLog(store);
  const place = { sessionId: "s1", conversationId: "main" };
  const input = { content: "z".repeat(50_000) };
  const block = {
    type: "tool_use" as const,
    id: "t:1",
    timestamp: "2026-01-01T00:00:01.000Z",
    toolName: "Write",
    toolUseId: "t1",
    input,
    status: "running" as const,
  };
  await log.append({
    events: [
      { type: "session:block:start", data: { ...place, block: { ...block, input: {} } } },
      { type: "session:block:complete", data: { ...place, blockId: "t:1", block } },
    ],
  });
  await log.append({
    events: [{ type: "session:block:update", data: { ...place, blockId: "t:1", updates: { status: "success" } } }],
  });
  expect(log.state.blocks[0]).toMatchObject({ truncated: true, status: "success" });
  expect((await store.block(key, "t:1"))?.block).toEqual({ ...block, status: "success" });
});

describe("followers", () => {
  test("history and live are one stream, from any cursor", async () => {
    const { store } = gatedStore();
    const { key, parts, log } = await openLog(store);
    for (let n = 0; n < 10; n += 1) await log.append({ events: [message(`a${n}`)] });
    const stop = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const frames of followLog(parts, key, { after: 4, signal: stop.signal })) {
        seen.push(...frames.map(({ event }) => event.seq));
        if (seen.at(-1) === 21) stop.abort();
      }
    })();
    for (let n = 0; n < 10; n += 1) await log.append({ events: [message(`b${n}`)] });
    await reading;
    expect(seen).toEqual(Array.from({ length: 17 }, (_unused, index) => index + 5));
  });

  test("a reader that does not read costs a bounded buffer and still gets everything", async () => {
    const { store } = gatedStore();
    const { key, parts, log } = await openLog(store);
    const stop = new AbortController();
    const reader = followLog(parts, key, { after: 0, signal: stop.signal });
    const seqs = async (): Promise<number[]> => {
      const { value } = (await reader.next()) as IteratorResult<readonly LogFrame[], undefined>;
      return (value ?? []).map(({ event }) => event.seq);
    };
    const seen = await seqs();
    const total = 3000;
    for (let n = 1; n < total; n += 100) {
      await log.append({ events: Array.from({ length: 100 }, (_unused, index) => message(`m${n}-${index}`)) });
    }
    while (seen.length < log.state.lastSeq) seen.push(...(await seqs()));
    stop.abort();
    await reader.return(undefined);
    expect(seen).toEqual(Array.from({ length: log.state.lastSeq }, (_unused, index) => index + 1));
    expect(parts.hub.size).toBe(0);
  });

  test("it ends at the tail where asked to, and when the log is no more", async () => {
    const { store } = gatedStore();
    const { key, parts, log } = await openLog(store);
    await log.append({ events: [message("m1"), message("m2")] });
    const seen: number[] = [];
    const { signal } = new AbortController();
    for await (const frames of followLog(parts, key, { after: 0, signal, until: 2 }))
      seen.push(...frames.map(({ event }) => event.seq));
    expect(seen).toEqual([1, 2]);
    const live = followLog(parts, key, { after: 3, signal });
    const next = live.next();
    await vi.waitFor(() => expect(parts.hub.size).toBe(1));
    parts.hub.end(key);
    expect(await next).toEqual({ done: true, value: undefined });
  });
});
