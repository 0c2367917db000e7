import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createAgentClient, type ListSessionsOptions } from "../client.ts";
import { FakeServer, type FakeSocket } from "../testing/fake-server.ts";
import { createSessionListStore, type SessionListSnapshot, type SessionListStore } from "./session-list-store.ts";

let server: FakeServer;
let store: SessionListStore;
let leave: () => void;
let urls: string[];
let answers: (object | number)[];

beforeEach(() => {
  server = new FakeServer();
  urls = [];
  answers = [{ sessions: [] }];
  leave = () => {};
  server.route = ({ url }) => {
    urls.push(url.replace("http://x/v1", ""));
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return typeof answer === "number"
      ? Response.json({ error: answer === 401 ? "unauthorized" : "unavailable" }, { status: answer })
      : Response.json(answer);
  };
});
afterEach(() => leave());

function item(sessionId: string, minute: number): SessionListItem {
  const runtime = { isLoaded: false, sandbox: null };
  const createdAt = `2026-01-01T00:${String(minute).padStart(2, "0")}:00.000Z`;
  return { sessionId, type: "t", agentProfileReference: "p", createdAt, runtime };
}

function open(page: ListSessionsOptions = {}): void {
  const { fetch, WebSocket } = server;
  store = createSessionListStore(createAgentClient({ baseUrl: "http://x", apiKey: "k", fetch, WebSocket }), page);
  leave = store.subscribe(() => {});
}

async function socket(n: number): Promise<FakeSocket> {
  const found = await vi.waitUntil(() => server.sockets[n - 1], { interval: 1, timeout: 10_000 });
  found.open();
  found.say({ ack: "watch", data: { success: true } });
  return found;
}

function ids(): string[] {
  return store.getSnapshot().sessions.map(({ sessionId }) => sessionId);
}

async function soon(condition: () => void): Promise<void> {
  await vi.waitFor(condition, { interval: 1, timeout: 10_000 });
}

test("the list is fetched, and follows what is told of it, the latest activity first", async () => {
  answers = [{ sessions: [item("b", 2), item("a", 1)] }];
  open();
  expect(store.getSnapshot().isLoading).toBe(true);
  const line = await socket(1);
  expect(line.sent).toEqual([{ id: "watch", event: "sessions:watch" }]);
  await soon(() => expect([ids(), store.getSnapshot().isLoading]).toEqual([["b", "a"], false]));
  line.say({ event: "sessions:updated", data: { session: item("c", 3) } });
  line.say({
    event: "sessions:updated",
    data: { session: { ...item("a", 1), lastActivity: "2026-02-01T00:00:00.000Z" } },
  });
  expect(ids()).toEqual(["a", "c", "b"]);
  line.say({ event: "sessions:removed", data: { sessionId: "c" } });
  expect(ids()).toEqual(["a", "b"]);
});

test("after a cut the list is fetched anew, since what happened meanwhile is not told", async () => {
  answers = [{ sessions: [item("a", 1)] }, { sessions: [item("a", 1)] }, { sessions: [item("b", 2), item("a", 1)] }];
  open();
  const line = await socket(1);
  await soon(() => expect(ids()).toEqual(["a"]));
  await vi.waitUntil(() => urls.length === 2, { interval: 1 });
  line.cut();
  await socket(2);
  await soon(() => expect(ids()).toEqual(["b", "a"]));
});

test("what is told of the list while it is fetched is newer than the answer", async () => {
  answers = [{ sessions: [] }];
  open();
  const line = await socket(1);
  await soon(() => expect([urls.length, store.getSnapshot().isLoading]).toEqual([2, false]));
  const gate = Promise.withResolvers<Response>();
  server.route = () => gate.promise;
  const refreshing = store.refresh();
  line.say({ event: "sessions:updated", data: { session: { ...item("a", 1), name: "new" } } });
  line.say({ event: "sessions:updated", data: { session: item("c", 3) } });
  line.say({ event: "sessions:removed", data: { sessionId: "b" } });
  gate.resolve(Response.json({ sessions: [item("b", 2), { ...item("a", 1), name: "old" }] }));
  await refreshing;
  expect(store.getSnapshot().sessions).toMatchObject([{ sessionId: "c" }, { sessionId: "a", name: "new" }]);
  expect(store.getSnapshot().sessions).toHaveLength(2);
});

test("a session that is further down than what was fetched stands below the next page too", async () => {
  answers = [{ sessions: [item("z", 9)], nextCursor: "n" }];
  open({ limit: 1 });
  const line = await socket(1);
  await soon(() => expect([urls.length, store.getSnapshot().isLoading]).toEqual([2, false]));
  line.say({ event: "sessions:updated", data: { session: item("a", 1) } });
  answers = [{ sessions: [item("y", 8)], nextCursor: "m" }];
  await store.loadMore();
  expect(ids()).toEqual(["z", "y", "a"]);
});

test("more pages come when they are asked for; filters and order go with each", async () => {
  answers = [{ sessions: [item("c", 3)], nextCursor: "n" }];
  open({ limit: 1, type: "t", order: "created" });
  const line = await socket(1);
  await soon(() => expect([ids(), store.getSnapshot().isLoading, urls.length]).toEqual([["c"], false, 2]));
  answers = [{ sessions: [item("c", 3), item("b", 2)] }];
  expect(store.getSnapshot().hasMore).toBe(true);
  await store.loadMore();
  expect([ids(), store.getSnapshot().hasMore]).toEqual([["c", "b"], false]);
  expect(urls.at(-1)).toBe("/sessions?limit=1&type=t&order=created&cursor=n");
  await store.loadMore();
  expect(urls).toHaveLength(3);
  line.say({ event: "sessions:updated", data: { session: { ...item("other", 9), type: "u" } } });
  line.say({ event: "sessions:updated", data: { session: { ...item("b", 2), name: "named" } } });
  expect(store.getSnapshot().sessions).toMatchObject([{ sessionId: "c" }, { sessionId: "b", name: "named" }]);
  // Fetched anew, what was brought stays.
  await store.refresh();
  expect([urls.at(-1), ids()]).toEqual(["/sessions?limit=2&type=t&order=created", ["c", "b"]]);
});

test("with a filter, sessions come and go as they begin and cease to pass it", async () => {
  answers = [{ sessions: [item("a", 1)] }];
  open({
    isLoaded: false,
    agentProfileReference: "p",
    createdFrom: "2026-01-01T00:01:00Z",
    activeBefore: "2026-01-02",
  });
  const line = await socket(1);
  await soon(() => expect([ids(), urls.length, store.getSnapshot().isLoading]).toEqual([["a"], 2, false]));
  const tell = (session: SessionListItem): void => line.say({ event: "sessions:updated", data: { session } });
  tell(item("b", 2));
  tell(item("too-old", 0));
  tell({ ...item("active", 3), lastActivity: "2026-01-02T00:00:00.000Z" });
  tell({ ...item("foreign", 4), agentProfileReference: "q" });
  expect(ids()).toEqual(["b", "a"]);
  tell({ ...item("a", 1), runtime: { isLoaded: true, sandbox: null } });
  expect(ids()).toEqual(["b"]);
  // Of one time, in the order in which they were told.
  tell(item("c", 2));
  tell(item("d", 1));
  expect(ids()).toEqual(["b", "c", "d"]);
});

test("an error is shown, and goes with the next answer; a wrong key is not tried again", async () => {
  answers = [503];
  open();
  await soon(() => expect(store.getSnapshot()).toMatchObject({ isLoading: false, error: { code: "unavailable" } }));
  answers = [{ sessions: [item("a", 1)] }];
  await store.refresh();
  expect([ids(), store.getSnapshot().error]).toEqual([["a"], undefined]);
  answers = [401];
  const line = await vi.waitUntil(() => server.sockets[0], { interval: 1, timeout: 10_000 });
  line.cut();
  await soon(() => expect(store.getSnapshot().error?.code).toBe("unauthorized"));
  expect(server.sockets).toHaveLength(1);
});

test("a watcher comes back as its backoff says, until it is stopped", async () => {
  const { fetch, WebSocket } = server;
  const client = createAgentClient({ baseUrl: "http://x", apiKey: "k", fetch, WebSocket });
  const seen: string[] = [];
  const backoff = { initialMs: 1, maxMs: 2 };
  const watching = client.watchSessions({ onConnection: (status) => seen.push(status) }, { backoff });
  for (let n = 1; n <= 4; n += 1) {
    const line = await vi.waitUntil(() => server.sockets[n - 1], { interval: 1, timeout: 10_000 });
    line.cut();
  }
  const last = await socket(5);
  watching.stop();
  expect([last.readyState, seen.at(-1), new Set(seen)]).toEqual([3, "live", new Set(["reconnecting", "live"])]);
});

test("handlers that throw stop no watcher, and are told of it", async () => {
  const { fetch, WebSocket } = server;
  const client = createAgentClient({ baseUrl: "http://x", apiKey: "k", fetch, WebSocket });
  const seen: string[] = [];
  const fail = (): never => {
    throw new Error("handler");
  };
  const watching = client.watchSessions(
    {
      onUpdated: fail,
      onConnection: fail,
      onError(error) {
        seen.push(error.code);
        fail();
      },
    },
    { backoff: { initialMs: 1, maxMs: 2 } },
  );
  const line = await socket(1);
  line.say({ event: "sessions:updated", data: { session: item("a", 1) } });
  answers = [503];
  line.cut();
  (await vi.waitUntil(() => server.sockets[1], { interval: 1, timeout: 10_000 })).cut();
  await socket(3);
  watching.stop();
  expect(seen.slice(0, 4)).toEqual(["handler_failed", "handler_failed", "handler_failed", "unavailable"]);
});

test("a watcher whose token ends goes on with the next one, and says nothing of it", async () => {
  const { fetch, WebSocket } = server;
  const asked: (string | undefined)[] = [];
  let isAway = false;
  const getToken = async (ended?: string) => {
    if (isAway) throw new Error("away");
    return `t${asked.push(ended)}`;
  };
  const client = createAgentClient({ baseUrl: "http://x", getToken, fetch, WebSocket });
  const seen: string[] = [];
  const backoff = { initialMs: 1, maxMs: 2 };
  const watching = client.watchSessions({ onConnection: (status) => seen.push(status) }, { backoff });
  (await socket(1)).end(4401);
  (await socket(2)).end(4401);
  const third = await socket(3);
  expect([asked, new Set(seen)]).toEqual([[undefined, "t1", "t2"], new Set(["live"])]);
  // Unless there is none.
  isAway = true;
  third.end(4401);
  await soon(() => expect(seen.at(-1)).toBe("reconnecting"));
  isAway = false;
  await socket(4);
  watching.stop();
  expect(asked.at(-1)).toBe("t3");
});

test("a server that hangs up as soon as it has answered is given more and more time", async () => {
  const { fetch, WebSocket } = server;
  const client = createAgentClient({ baseUrl: "http://x", apiKey: "k", fetch, WebSocket });
  const seen: string[] = [];
  const backoff = { initialMs: 3_600_000, maxMs: 3_600_000 };
  const watching = client.watchSessions({ onConnection: (status) => seen.push(status) }, { backoff });
  const line = await socket(1);
  await soon(() => expect(seen).toEqual(["live"]));
  line.cut();
  await soon(() => expect(seen).toEqual(["live", "reconnecting"]));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(server.sockets).toHaveLength(1);
  watching.stop();
});

test("the line closes when the last has left", async () => {
  open();
  const line = await socket(1);
  leave();
  expect(line.readyState).toBe(3);
});

test("a server that is only starting is asked again, and what went wrong is true until there is an answer", async () => {
  answers = [503];
  open();
  await socket(1);
  await soon(() => expect(store.getSnapshot().error?.status).toBe(503));
  const seen: SessionListSnapshot[] = [];
  const unsubscribe = store.subscribe(() => seen.push(store.getSnapshot()));
  answers = [{ sessions: [item("a", 1)] }];
  await soon(() => expect(store.getSnapshot()).toMatchObject({ sessions: [{ sessionId: "a" }], isLoading: false }));
  expect(seen.filter(({ error, sessions }) => (error === undefined) !== sessions.length > 0)).toEqual([]);
  unsubscribe();
});
