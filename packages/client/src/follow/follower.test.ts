import { initialState, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createAgentClient } from "../client.ts";
import type { ClientError } from "../client-error.ts";
import { FakeServer, type FakeSocket } from "../testing/fake-server.ts";
import type { Following, FollowOptions } from "./follower.ts";

const at = "2026-01-01T00:00:00.000Z";
let server: FakeServer;
let following: Following | undefined;
let statuses: string[];
let errors: ClientError[];
let events: string[];
let states: SessionState[];

beforeEach(() => {
  server = new FakeServer();
  server.answers = [snapshot(3)];
  [statuses, errors, events, states] = [[], [], [], []];
});
afterEach(async () => {
  following?.stop();
  await following?.ended;
});

function snapshot(lastSeq: number, logId = "log"): SessionState {
  return { ...initialState("s", logId), lastSeq };
}

function follow(options: FollowOptions = {}, more: { getToken?: (refused?: string) => Promise<string> } = {}): void {
  const client = createAgentClient({
    baseUrl: "http://x/",
    ...(more.getToken === undefined ? { apiKey: "kéy" } : more),
    fetch: server.fetch,
    WebSocket: server.WebSocket,
  });
  following = client.follow(
    "s",
    {
      onState: (state) => states.push(state),
      onEvent: (event) => events.push(`${event.seq} ${event.type}`),
      onConnection: (status) => statuses.push(status),
      onError: (error) => errors.push(error),
    },
    { backoff: { initialMs: 1, maxMs: 2 }, ...options },
  );
}

/** The `n`th connection that the client made, counting from 1, once it is there. */
async function socket(n: number): Promise<FakeSocket> {
  return vi.waitFor(
    () => {
      expect(server.sockets.length).toBeGreaterThanOrEqual(n);
      return server.sockets[n - 1]!;
    },
    { interval: 1 },
  );
}

function queued(seq: number, more: object = {}) {
  return {
    event: "session:message:queued",
    data: { sessionId: "s", messageId: `m${seq}`, content: "hi" },
    seq,
    at,
    ...more,
  };
}

describe("follow", () => {
  test("a server that takes a request and says nothing is asked again", async () => {
    let asked = 0;
    server.route = () => ((asked += 1) === 1 ? new Promise<Response>(() => {}) : undefined);
    follow({ pingMs: 20 });
    const line = await socket(1);
    expect(asked).toBeGreaterThan(1);
    expect(errors[0]?.code).toBe("unreachable");
    line.open();
    line.acknowledge(3);
    expect(statuses.at(-1)).toBe("live");
  });

  test("takes a snapshot, joins at its cursor, reduces", async () => {
    follow();
    const one = await socket(1);
    expect(server.requests).toEqual(["http://x/v1/sessions/s"]);
    expect(one.url).toBe("ws://x/ws");
    expect(one.protocols).toEqual(["agent-runtime.v1", `bearer.${Buffer.from("kéy").toString("base64url")}`]);
    one.open();
    expect(one.sent).toEqual([{ id: "join", event: "session:join", data: { sessionId: "s", after: 3, logId: "log" } }]);
    one.acknowledge(4);
    expect(statuses).toEqual([]);
    one.say(queued(4));
    expect(statuses).toEqual(["live"]);
    one.say(queued(4));
    one.say({ ...queued(9), data: { ...queued(9).data, sessionId: "other" } });
    expect(events).toEqual(["4 session:message:queued"]);
    expect(following?.state).toMatchObject({ lastSeq: 4, queue: [{ messageId: "m4" }] });
    expect(states.map((state) => state.lastSeq)).toEqual([3, 4]);
  });

  test("comes back by its cursor, as often as needed, without another snapshot", async () => {
    follow();
    for (let n = 1; n <= 12; n += 1) {
      const one = await socket(n);
      one.open();
      expect(one.sent[0]).toMatchObject({ data: { after: 2 + n, logId: "log" } });
      one.acknowledge(3 + n);
      one.say(queued(3 + n));
      one.cut();
    }
    expect(server.requests).toHaveLength(1);
    expect(following?.state?.lastSeq).toBe(15);
    expect(statuses.slice(0, 4)).toEqual(["live", "reconnecting", "live", "reconnecting"]);
  });

  test("a server that is away is waited for", async () => {
    server.answers = ["unreachable", "unreachable", { problem: "unavailable", status: 503 }, snapshot(3)];
    follow();
    (await socket(1)).cut();
    (await socket(2)).open();
    expect(errors.map((error) => error.code)).toEqual(["unreachable", "unreachable", "unavailable"]);
    expect(following?.status).toBe("reconnecting");
  });

  test("a gap, a resync and a replaced log each lead to a new snapshot", async () => {
    server.answers = [snapshot(3), snapshot(10), snapshot(2, "log2"), snapshot(7, "log3")];
    follow();
    const one = await socket(1);
    one.open();
    one.acknowledge(5);
    one.say(queued(5));
    const two = await socket(2);
    two.open();
    expect(two.sent[0]).toMatchObject({ data: { after: 10 } });
    two.say({ event: "session:resync", data: { sessionId: "s", reason: "cursor_ahead", lastSeq: 2, logId: "log2" } });
    const three = await socket(3);
    three.open();
    expect(three.sent[0]).toMatchObject({ data: { after: 2, logId: "log2" } });
    three.acknowledge(7, "log3");
    const four = await socket(4);
    four.open();
    expect(four.sent[0]).toMatchObject({ data: { after: 7, logId: "log3" } });
    expect(states.map((state) => state.lastSeq)).toEqual([3, 10, 2, 7]);
  });

  test("frames that cover more than their own seq join without a gap", async () => {
    follow();
    const one = await socket(1);
    one.open();
    one.acknowledge(6);
    one.say(queued(6, { from: 4 }));
    expect(following?.state?.lastSeq).toBe(6);
    one.say(queued(9, { from: 8 }));
    await socket(2);
    expect(server.requests).toHaveLength(2);
  });

  test("what a newer server says moves the cursor and breaks nothing", async () => {
    follow();
    const one = await socket(1);
    one.open();
    one.acknowledge(3);
    for (const rubbish of [
      "{",
      "5",
      "null",
      "[]",
      {},
      { event: 5 },
      { event: "x", seq: "4" },
      { ack: "other", data: null },
    ])
      one.say(rubbish);
    one.say({ event: "session:hologram", data: { sessionId: "s", beam: [1] }, seq: 4, at });
    one.say({ event: "sessions:danced", data: {} });
    one.say({
      event: "session:block:start",
      data: { sessionId: "s", conversationId: "main", block: { type: "hologram", id: "h", timestamp: at } },
      seq: 5,
      at,
    });
    expect(following?.state).toMatchObject({ lastSeq: 5, blocks: [{ type: "hologram" }] });
    expect(events).toEqual(["4 session:hologram", "5 session:block:start"]);
    expect(errors).toEqual([]);
  });

  test("an event that cannot be folded leads to a snapshot, not to a crash", async () => {
    server.answers = [snapshot(3), snapshot(4)];
    follow();
    const one = await socket(1);
    one.open();
    one.acknowledge(4);
    one.say({
      event: "session:block:start",
      data: { sessionId: "s", conversationId: "main", block: null },
      seq: 4,
      at,
    });
    (await socket(2)).open();
    expect(following?.state?.lastSeq).toBe(4);
    expect(errors.map((error) => error.code)).toEqual(["bad_answer"]);
  });

  test("handlers that throw stop nobody", async () => {
    const client = createAgentClient({ baseUrl: "http://x", fetch: server.fetch, WebSocket: server.WebSocket });
    const fail = (): never => {
      throw new Error("handler");
    };
    following = client.follow("s", { onState: fail, onEvent: fail, onConnection: fail, onError: fail });
    const one = await socket(1);
    expect(one.protocols).toEqual(["agent-runtime.v1"]);
    one.open();
    one.acknowledge(4);
    one.say(queued(4));
    expect(following.state?.lastSeq).toBe(4);
  });

  test("a line that ends with its token is followed by the next one, and nobody is told of a cut", async () => {
    let kept = "t";
    const getToken = async (refused?: string) => (kept = refused === kept ? `${kept}'` : kept);
    follow({}, { getToken });
    const one = await socket(1);
    one.open();
    one.acknowledge(3);
    one.say(queued(4));
    one.end(4401);
    const two = await socket(2);
    two.open();
    expect(two.sent[0]).toMatchObject({ data: { after: 4 } });
    two.acknowledge(4);
    expect([statuses, errors, kept]).toEqual([["live"], [], "t'"]);
    expect(two.protocols[1]).not.toBe(one.protocols[1]);
    two.end(4401);
    server.answers = [{ problem: "token_expired", status: 401 }];
    (await socket(3)).cut();
    await vi.waitFor(() => expect(statuses).toEqual(["live", "reconnecting"]), { interval: 1 });
  });

  test("a line without a word is dead", async () => {
    follow({ pingMs: 100 });
    const one = await socket(1);
    one.open();
    await vi.waitFor(() => expect(one.sent).toContainEqual({ event: "ping" }), { interval: 1 });
    await socket(2);
    expect(one.readyState).toBe(3);
    one.acknowledge(3);
    one.say(queued(4));
    expect(following?.state?.lastSeq).toBe(3);
  });
});

describe("from the start", () => {
  test("folds frames alone and never asks for a snapshot", async () => {
    follow({ fromStart: true });
    const one = await socket(1);
    one.open();
    expect(one.sent[0]).toMatchObject({ data: { sessionId: "s", after: 0 } });
    one.acknowledge(1);
    one.say(queued(1));
    expect(statuses).toEqual(["live"]);
    one.cut();
    const two = await socket(2);
    two.open();
    expect(two.sent[0]).toMatchObject({ data: { after: 1, logId: "log" } });
    two.acknowledge(1, "log2");
    const three = await socket(3);
    three.open();
    expect(three.sent[0]).toEqual({ id: "join", event: "session:join", data: { sessionId: "s", after: 0 } });
    expect(server.requests).toEqual([]);
  });

  test("or from a state that was kept", async () => {
    follow({ state: snapshot(8) });
    const one = await socket(1);
    one.open();
    expect(one.sent[0]).toMatchObject({ data: { after: 8 } });
    expect(server.requests).toEqual([]);
  });
});

describe("the end", () => {
  test("stop ends at once, whatever is under way", async () => {
    follow();
    following?.stop();
    await following?.ended;
    follow();
    const one = await socket(1);
    one.open();
    following?.stop();
    await following?.ended;
    expect([following?.status, one.readyState]).toEqual(["stopped", 3]);
  });

  test.each([
    ["session_not_found", 404],
    ["unauthorized", 401],
    ["token_expired", 401],
    ["forbidden", 403],
  ])("%s at the snapshot is final", async (problem, status) => {
    server.answers = [{ problem, status }];
    follow();
    await following?.ended;
    expect([following?.status, errors[0]?.code, errors[0]?.status]).toEqual(["failed", problem, status]);
    expect(server.sockets).toEqual([]);
  });

  test("a refused upgrade is explained by REST", async () => {
    server.answers = [snapshot(3), { problem: "unauthorized", status: 401 }];
    follow();
    (await socket(1)).cut();
    await following?.ended;
    expect(server.requests[1]).toBe("http://x/v1/sessions/s?blocks=1");
    expect(following?.status).toBe("failed");
  });

  test("a refused join, and a session that is deleted", async () => {
    follow();
    let one = await socket(1);
    one.open();
    one.say({ ack: "join", data: { success: false, error: "session_not_found", message: "none" } });
    await following?.ended;
    expect(errors[0]).toMatchObject({ code: "session_not_found", message: "none" });
    follow();
    one = await socket(2);
    one.open();
    one.acknowledge(3);
    one.say({ event: "sessions:removed", data: { sessionId: "s" } });
    await following?.ended;
    expect(following?.status).toBe("failed");
  });

  test("a token that can be renewed is", async () => {
    server.answers = [{ problem: "unauthorized", status: 401 }, snapshot(3)];
    const tokens = ["old", "new", "newer"];
    follow({}, { getToken: async () => tokens.shift() ?? "last" });
    const one = await socket(1);
    expect(one.protocols[1]).toBe(`bearer.${Buffer.from("newer").toString("base64url")}`);
  });
});
