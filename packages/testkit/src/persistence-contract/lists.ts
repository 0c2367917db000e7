import assert from "node:assert/strict";
import type { SessionListQuery, SessionStore } from "@hhopkins/agent-runtime-protocol";
import { append, change, createSession, key, minute, status } from "./samples.ts";
import { assertRejects, needTenants, openStore, type PersistenceCase } from "./subject.ts";

type Query = Omit<SessionListQuery, "tenant" | "limit">;

async function page(store: SessionStore, query: Query & { limit?: number } = {}) {
  const { sessions, nextCursor } = await store.list({ tenant: "default", limit: 100, ...query });
  return { ids: sessions.map((session) => session.sessionId), nextCursor };
}

async function ids(store: SessionStore, filter: SessionListQuery["filter"], order?: SessionListQuery["order"]) {
  const query = { ...(filter === undefined ? {} : { filter }), ...(order === undefined ? {} : { order }) };
  return (await page(store, query)).ids;
}

/** Six sessions, created in the order of their names, and active in the order f, e, d, c, b, a: a is the latest. */
async function six(store: SessionStore): Promise<void> {
  for (const [index, id] of ["a", "b", "c", "d", "e", "f"].entries()) {
    await createSession(store, key(id), {
      type: index % 2 === 0 ? "even" : "odd",
      agentProfileReference: index < 3 ? "low" : "high",
      createdAt: minute(index),
      lastActivity: minute(20 - index),
    });
  }
}

export const listCases: Record<string, PersistenceCase> = {
  "list: by creation as by activity, pages of both, and no cursor of one for the other": async (subject) => {
    const store = await openStore(subject);
    await six(store);
    assert.deepEqual((await page(store)).ids, ["a", "b", "c", "d", "e", "f"]);
    assert.deepEqual((await page(store, { order: "activity" })).ids, ["a", "b", "c", "d", "e", "f"]);
    assert.deepEqual((await page(store, { order: "created" })).ids, ["f", "e", "d", "c", "b", "a"]);
    for (const order of ["activity", "created"] as const) {
      const whole = (await page(store, { order })).ids;
      const first = await page(store, { order, limit: 4 });
      assert.deepEqual(first.ids, whole.slice(0, 4));
      assert.ok(first.nextCursor);
      const second = await page(store, { order, limit: 4, cursor: first.nextCursor });
      assert.deepEqual(second, { ids: whole.slice(4), nextCursor: undefined });
      const other = order === "created" ? "activity" : "created";
      await assertRejects(page(store, { order: other, cursor: first.nextCursor }), "invalid_request");
    }
    await append(store, change(key("f"), 1, { record: { lastActivity: minute(59) } }));
    assert.equal((await page(store)).ids[0], "f");
    assert.deepEqual((await page(store, { order: "created" })).ids, ["f", "e", "d", "c", "b", "a"]);
  },

  "list: sessions created in the same moment are in the order of their ids": async (subject) => {
    const store = await openStore(subject);
    for (const id of ["b", "c", "a"]) await createSession(store, key(id), { createdAt: minute(1) });
    const first = await page(store, { order: "created", limit: 2 });
    assert.deepEqual(first.ids, ["c", "b"]);
    assert.ok(first.nextCursor);
    await createSession(store, key("aa"), { createdAt: minute(1) });
    const second = await page(store, { order: "created", limit: 2, cursor: first.nextCursor });
    assert.deepEqual(second, { ids: ["aa", "a"], nextCursor: undefined });
  },

  "list: each filter lets through what it says, and several of them together": async (subject) => {
    const store = await openStore(subject);
    await six(store);
    await append(store, { ...key("c"), expectedSeq: 1, events: [status("c", 2, { isLoaded: true, sandbox: null })] });
    assert.deepEqual(await ids(store, {}), ["a", "b", "c", "d", "e", "f"]);
    assert.deepEqual(await ids(store, { type: "even" }), ["a", "c", "e"]);
    assert.deepEqual(await ids(store, { type: "odd" }, "created"), ["f", "d", "b"]);
    assert.deepEqual(await ids(store, { type: "Even" }), []);
    assert.deepEqual(await ids(store, { type: "even " }), []);
    assert.deepEqual(await ids(store, { agentProfileReference: "high" }), ["d", "e", "f"]);
    assert.deepEqual(await ids(store, { isLoaded: true }), ["c"]);
    assert.deepEqual(await ids(store, { isLoaded: false }, "created"), ["f", "e", "d", "b", "a"]);
    assert.deepEqual(await ids(store, { createdFrom: minute(2), createdBefore: minute(4) }), ["c", "d"]);
    assert.deepEqual(await ids(store, { activeFrom: minute(16), activeBefore: minute(19) }), ["c", "d", "e"]);
    assert.deepEqual(await ids(store, { type: "even", agentProfileReference: "low", isLoaded: false }), ["a"]);
    const all = { type: "odd", agentProfileReference: "high", isLoaded: false, createdFrom: minute(4) };
    assert.deepEqual(await ids(store, { ...all, activeBefore: minute(16) }, "created"), ["f"]);
    assert.deepEqual(await ids(store, { ...all, activeBefore: minute(15) }), []);
  },

  "list: activity is the creation where there was none": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("quiet"), { createdAt: minute(5) });
    await createSession(store, key("busy"), { createdAt: minute(1), lastActivity: minute(9) });
    assert.deepEqual(await ids(store, { activeFrom: minute(6) }), ["busy"]);
    assert.deepEqual(await ids(store, { activeBefore: minute(6) }), ["quiet"]);
  },

  "list: pages of a filter have no hole and no double": async (subject) => {
    const store = await openStore(subject);
    await six(store);
    for (const order of ["activity", "created"] as const) {
      const filter = { type: "odd" };
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const next = await page(store, { order, filter, limit: 1, ...(cursor === undefined ? {} : { cursor }) });
        seen.push(...next.ids);
        cursor = next.nextCursor;
      } while (cursor !== undefined);
      assert.deepEqual(seen, order === "created" ? ["f", "d", "b"] : ["b", "d", "f"]);
    }
  },

  "list: another tenant's sessions are in no list": async (subject) => {
    const store = await openStore(subject);
    needTenants(subject);
    await createSession(store, key("mine"));
    await createSession(store, key("theirs", "other"));
    for (const order of ["activity", "created"] as const) {
      assert.deepEqual(await ids(store, { type: "claude-agent-sdk" }, order), ["mine"]);
    }
  },
};
