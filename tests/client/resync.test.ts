import type { SessionStore } from "@hhopkins/agent-runtime";
import { createAgentClient } from "@hhopkins/agent-runtime-client";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { emptyProvider } from "../contract/providers.ts";
import { KEY, runningServer, type RunningServer } from "../contract/running-server.ts";
import { fieldsOf } from "./sse-follower.ts";

// Cursors that a log cannot serve, on both transports, against a real runtime whose store has lost its log's beginning.

const WAIT = { timeout: 30_000, interval: 5 };
const GONE = 5;
let lost = 0;
let server: RunningServer;
let sessionId: string;
let logId: string;
let lastSeq: number;

beforeAll(async () => {
  const adapter = memoryPersistence();
  const events: SessionStore["events"] = async (key, page) =>
    (await adapter.store.events(key, page)).filter(({ seq }) => seq > lost);
  const persistence = { ...adapter, store: { ...adapter.store, events } };
  server = await runningServer({ config: { persistence, sandbox: emptyProvider(() => new Promise(() => {})) } });
  sessionId = await server.create();
  for (let n = 0; n < 9; n += 1) await server.call("PATCH", `/sessions/${sessionId}/options`, { model: `m${n}` });
  ({ logId, lastSeq } = await server.state(sessionId));
  lost = GONE;
});
afterAll(() => server[Symbol.asyncDispose]());

async function overWebSocket(cursor: object): Promise<object[]> {
  const socket = new WebSocket(server.wsUrl, { headers: { "x-api-key": KEY } });
  const frames: { event?: string; data: object }[] = [];
  socket.on("message", (data: Buffer) => frames.push(JSON.parse(data.toString("utf8")) as { data: object }));
  socket.on("open", () => {
    socket.send(JSON.stringify({ id: "j", event: "session:join", data: { sessionId, ...cursor } }));
  });
  await vi.waitUntil(() => frames.length >= 2, WAIT);
  expect(frames[0]).toMatchObject({ ack: "j", data: { success: true, logId, lastSeq } });
  socket.close();
  return frames.slice(1).map(({ event, data }) => ({ event, data }));
}

async function overSse(cursor: { after: number; logId?: string }): Promise<object[]> {
  const query = new URLSearchParams(Object.entries(cursor).map(([name, value]) => [name, String(value)]));
  const response = await fetch(`${server.url}/sessions/${sessionId}/events?${query.toString()}`, {
    headers: { "x-api-key": KEY },
  });
  const events = (await response.text()).split("\n\n").map(fieldsOf);
  return events.flatMap(({ event, data }) => (event === undefined ? [] : [{ event, data: JSON.parse(data ?? "") }]));
}

describe.each([
  ["cursor_too_old", () => ({ after: 0 })],
  ["cursor_too_old", () => ({ after: GONE - 1, logId })],
  ["cursor_ahead", () => ({ after: lastSeq + 1, logId })],
  ["log_replaced", () => ({ after: GONE, logId: "another" })],
] as const)("%s", (reason, cursor) => {
  test.each([
    ["WebSocket", overWebSocket],
    ["SSE", overSse],
  ])("over %s the reason is said, and nothing else", async (_transport, follow) => {
    expect(await follow(cursor())).toEqual([{ event: "session:resync", data: { sessionId, reason, lastSeq, logId } }]);
  });
});

test("the first cursor that the log can serve is served", async () => {
  const frames = await overWebSocket({ after: GONE, logId });
  expect(frames[0]).toMatchObject({ event: "session:options:update" });
});

test.each([true, false])("a client takes the state anew, and goes on (fromStart: %s)", async (fromStart) => {
  const client = createAgentClient({ baseUrl: server.url, apiKey: KEY });
  const state = fromStart ? {} : { state: { ...(await server.state(sessionId)), lastSeq: 1 } };
  const following = client.follow(sessionId, {}, { fromStart, ...state, backoff: { initialMs: 1, maxMs: 20 } });
  await vi.waitUntil(() => following.status === "live" && following.state?.lastSeq === lastSeq, WAIT);
  expect(JSON.stringify(following.state)).toBe(JSON.stringify(await server.state(sessionId)));
  following.stop();
  await following.ended;
});
