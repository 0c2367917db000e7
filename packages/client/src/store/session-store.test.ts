import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { conversationBlocks } from "./conversation-blocks.ts";
import {
  at,
  delta,
  event,
  queued,
  resync,
  soon,
  start,
  stateOf,
  StoreUnderTest,
  text,
} from "./testing/store-under-test.ts";

let t: StoreUnderTest;

beforeEach(() => {
  t = new StoreUnderTest();
});
afterEach(() => t.leave());

describe("following", () => {
  test("costs nothing until somebody subscribes; several share one line, and the last closes it", async () => {
    t.make();
    expect(t.store.getSnapshot()).toEqual({ sessionId: "s", connection: "idle", pending: [], older: {} });
    expect([t.server.requests, t.store.isIdle]).toEqual([[], true]);
    const leaving = [t.store.subscribe(() => {}), t.store.subscribe(() => {}), t.store.subscribe(() => {})];
    const line = await t.socket(1);
    line.open();
    line.acknowledge(3);
    for (const one of leaving.slice(1)) one();
    // Whoever leaves twice has left once.
    leaving[1]?.();
    line.say(queued(4, "m"));
    await soon(() => expect(t.store.getSnapshot().state?.queue).toHaveLength(1));
    leaving[0]?.();
    expect(t.store.isIdle).toBe(false);
    await soon(() =>
      expect([t.store.getSnapshot().connection, line.readyState, t.store.isIdle]).toEqual(["idle", 3, true]),
    );
    expect(t.server.sockets).toHaveLength(1);
  });

  test("who leaves and comes back at once keeps the line, as StrictMode does", async () => {
    const line = await t.live({}, { graceMs: 60_000 });
    t.leave();
    t.subscribe();
    line.say(queued(4, "m"));
    await soon(() => expect(t.store.getSnapshot().state?.lastSeq).toBe(4));
    expect(t.server.sockets).toHaveLength(1);
  });

  test("who comes back later goes on from the state that was there", async () => {
    await t.live({}, { graceMs: 0 });
    t.leave();
    await soon(() => expect(t.store.getSnapshot().connection).toBe("idle"));
    t.subscribe();
    const line = await t.socket(2);
    line.open();
    expect(line.sent[0]).toMatchObject({ data: { after: 3, logId: "log" } });
    expect(t.server.requests).toHaveLength(1);
  });

  test("a state that is given is shown before anything is fetched", async () => {
    t.make({ state: stateOf({ lastSeq: 8 }) });
    expect(t.store.getSnapshot().state?.lastSeq).toBe(8);
    t.subscribe();
    const line = await t.socket(1);
    line.open();
    expect([line.sent[0], t.server.requests]).toMatchObject([{ data: { after: 8 } }, []]);
  });

  test("events of one frame are told together, and none is lost when the schedule never comes", async () => {
    const waiting: (() => void)[] = [];
    const line = await t.live({ blocks: [text("b", "")] }, { schedule: (publish) => waiting.push(publish) });
    const before = t.told;
    for (let n = 0; n < 50; n += 1) line.say(delta(4 + n, "b", "x"));
    expect([t.told, waiting.length, t.store.getSnapshot().state?.lastSeq]).toEqual([before, 1, 3]);
    waiting[0]?.();
    expect([t.told, t.store.getSnapshot().state?.lastSeq]).toEqual([before + 1, 53]);
    line.say(delta(54, "b", "x"));
    line.cut();
    // A change of the line is t.told at once, with everything before it.
    await soon(() => expect(t.store.getSnapshot().state?.lastSeq).toBe(54));
  });
});

test("each event is told to who made the store", async () => {
  const seen: string[] = [];
  const line = await t.live({}, { onEvent: (sessionId, { seq, type }) => seen.push(`${sessionId} ${seq} ${type}`) });
  line.say(queued(4, "m"));
  expect(seen).toEqual(["s 4 session:message:queued"]);
});

describe("identity", () => {
  test("a delta changes the identity of its block and of no other", async () => {
    const blocks = Array.from({ length: 400 }, (_, n) => text(`b${n}`));
    const line = await t.live({ blocks, subagents: [{ id: "a", name: "a", status: "running", blocks: [text("x")] }] });
    const before = t.store.getSnapshot();
    line.say(delta(4, "b200", "!"));
    await soon(() => expect(t.store.getSnapshot().state?.lastSeq).toBe(4));
    const after = t.store.getSnapshot();
    const changed = conversationBlocks(after).filter((block, index) => block !== conversationBlocks(before)[index]);
    expect(changed.map(({ id }) => id)).toEqual(["b200"]);
    expect(after.state?.subagents).toBe(before.state?.subagents);
    expect([after.state?.queue, after.pending, after.older]).toEqual([[], [], {}]);
    expect(after.state?.queue).toBe(before.state?.queue);
  });

  test("a new snapshot after a resync keeps what is the same, and is the server's byte for byte", async () => {
    const first = stateOf({ lastSeq: 3, blocks: [text("a"), text("b"), text("c")], metadata: { x: [1, { y: 2 }] } });
    const second = stateOf({
      lastSeq: 9,
      blocks: [text("b"), text("c", "other"), text("d")],
      metadata: { x: [1, { y: 2 }] },
    });
    const line = await t.live(first);
    const before = t.store.getSnapshot().state;
    t.server.answers = [second];
    line.say(resync(9));
    await soon(() => expect(t.store.getSnapshot().state?.lastSeq).toBe(9));
    const after = t.store.getSnapshot().state;
    expect(JSON.stringify(after)).toBe(JSON.stringify(second));
    expect(after?.blocks[0]).toBe(before?.blocks[1]);
    expect(after?.blocks[1]).not.toBe(before?.blocks[2]);
    expect(after?.metadata).toBe(before?.metadata);
    const next = await t.socket(2);
    next.open();
    next.acknowledge(10);
    next.say(delta(10, "d", "!"));
    await soon(() => expect(t.store.getSnapshot().state?.lastSeq).toBe(10));
    expect(t.store.getSnapshot().state?.blocks[0]).toBe(before?.blocks[1]);
  });

  test("events and blocks of types that nobody knows yet do no harm", async () => {
    const line = await t.live();
    line.say(start(4, { type: "hologram", id: "h", timestamp: at, beams: [1] }));
    line.say(event(5, "session:hologram", { beams: 2 }));
    line.say(
      event(6, "session:block:complete", {
        conversationId: "nobody",
        blockId: "h",
        block: { type: "hologram", id: "h" },
      }),
    );
    await soon(() => expect(t.store.getSnapshot().state?.lastSeq).toBe(6));
    expect(t.shown()).toEqual(["h"]);
    expect(t.store.getSnapshot().error).toBeUndefined();
  });
});

describe("faults", () => {
  test("a server that is away at first is waited for, and the error goes when it is there", async () => {
    t.server.answers = ["unreachable", "unreachable", stateOf({ lastSeq: 3 })];
    t.make();
    t.subscribe();
    await soon(() => expect(t.store.getSnapshot().error?.code).toBe("unreachable"));
    const line = await t.socket(1);
    line.open();
    line.acknowledge(3);
    expect(t.store.getSnapshot()).toMatchObject({ connection: "live", state: { lastSeq: 3 } });
    expect(t.store.getSnapshot().error).toBeUndefined();
  });

  test("a session that is deleted under the reader: the last state stays, with the reason", async () => {
    const line = await t.live({ blocks: [text("b")] });
    line.say({ event: "sessions:removed", data: { sessionId: "s" } });
    await soon(() => expect(t.store.getSnapshot().connection).toBe("failed"));
    expect(t.store.getSnapshot()).toMatchObject({
      error: { code: "session_not_found" },
      state: { blocks: [{ id: "b" }] },
    });
  });

  test("after a wrong key `reload` begins anew", async () => {
    t.server.answers = [{ problem: "unauthorized", status: 401 }, stateOf({ lastSeq: 3 })];
    t.make();
    t.subscribe();
    await soon(() =>
      expect(t.store.getSnapshot()).toMatchObject({ connection: "failed", error: { code: "unauthorized" } }),
    );
    t.store.reload();
    const line = await t.socket(1);
    line.open();
    line.acknowledge(3);
    expect(t.store.getSnapshot().connection).toBe("live");
    expect(t.store.getSnapshot().error).toBeUndefined();
  });

  test("`wake` tries at once to come back, and what was there stays", async () => {
    const line = await t.live(
      { blocks: [text("b")] },
      { follow: { backoff: { initialMs: 3_600_000, maxMs: 3_600_000 } } },
    );
    line.cut();
    // The second attempt follows at once as well; from the third on it waits an hour.
    await soon(() => expect(t.store.getSnapshot().connection).toBe("reconnecting"));
    const before = t.server.sockets.length;
    await soon(() => {
      t.store.wake();
      expect(t.server.sockets.length).toBeGreaterThan(before);
    });
    expect(t.store.getSnapshot().state?.blocks).toHaveLength(1);
  });

  test("`load` follows until the state is there, for all who ask meanwhile; where there is none it rejects, and tries again later", async () => {
    t.server.answers = [{ problem: "session_not_found", status: 404 }, stateOf({ lastSeq: 3 })];
    t.make({ graceMs: 60_000 });
    const loading = t.store.load();
    expect(t.store.load()).toBe(loading);
    await expect(loading).rejects.toMatchObject({ name: "ClientError", code: "session_not_found" });
    expect(t.store.getSnapshot().connection).toBe("failed");
    expect(await t.store.load()).toMatchObject({ lastSeq: 3 });
    // Who subscribes now takes the line over.
    t.subscribe();
    await t.socket(1);
    expect(await t.store.load()).toBe(t.store.getSnapshot().state);
    expect([t.server.requests.length, t.server.sockets.length]).toEqual([2, 1]);
  });

  test("`load` of a session that was there before answers at once, and leaves nothing open behind it", async () => {
    t.make({ state: stateOf({ lastSeq: 8 }), graceMs: 0 });
    expect(await t.store.load()).toMatchObject({ lastSeq: 8 });
    await soon(() => expect(t.store.isIdle).toBe(true));
    expect(t.server.sockets.every(({ readyState }) => readyState === 3)).toBe(true);
  });

  test("a tool's result of 20 MB is kept as the server's state keeps it, and what follows is not held up", async () => {
    const line = await t.live();
    const block = { type: "tool_result", id: "r", timestamp: at, toolUseId: "u", content: "x".repeat(20_000_000) };
    line.say(start(4, block));
    line.say(event(5, "session:block:complete", { conversationId: "main", blockId: "r", block }));
    line.say(queued(6, "m"));
    await soon(() => expect(t.store.getSnapshot().state).toMatchObject({ lastSeq: 6, queue: [{ messageId: "m" }] }));
    expect(t.store.getSnapshot().state?.blocks).toMatchObject([{ id: "r", truncated: true }]);
    expect(JSON.stringify(t.store.getSnapshot().state).length).toBeLessThan(40_000);
  });

  test("an error that the server tells of ends with the events that follow", async () => {
    const line = await t.live();
    line.say({ event: "error", data: { sessionId: "s", code: "persistence_unavailable", message: "later" } });
    expect(t.store.getSnapshot()).toMatchObject({ connection: "live", error: { code: "persistence_unavailable" } });
    line.say(queued(4, "m"));
    await soon(() => expect(t.store.getSnapshot().error).toBeUndefined());
  });

  test("who leaves while the first answer is under way is not told of it", async () => {
    const gate = Promise.withResolvers<Response>();
    t.server.route = () => gate.promise;
    t.make({ graceMs: 0 });
    t.subscribe();
    t.leave();
    await soon(() => expect(t.store.getSnapshot().connection).toBe("idle"));
    const before = t.told;
    gate.resolve(Response.json(stateOf({ lastSeq: 3 })));
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect([t.told, t.store.getSnapshot().state]).toEqual([before, undefined]);
    expect(t.server.sockets.every(({ readyState }) => readyState === 3)).toBe(true);
  });
});
