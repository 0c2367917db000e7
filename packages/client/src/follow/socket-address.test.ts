import { initialState } from "@hhopkins/agent-runtime-protocol";
import { expect, test, vi } from "vitest";
import { createAgentClient } from "../client.ts";
import { FakeServer } from "../testing/fake-server.ts";

test.each([
  ["the socket is at /ws of the server", undefined, "ws://x/base/ws"],
  ["the socket is where wsUrl says", "wss://live.example/here", "wss://live.example/here"],
])("%s", async (_title, wsUrl, expected) => {
  const server = new FakeServer();
  server.answers = [initialState("s", "log")];
  const { fetch, WebSocket } = server;
  const client = createAgentClient({
    baseUrl: "http://x/base",
    apiKey: "k",
    fetch,
    WebSocket,
    ...(wsUrl === undefined ? {} : { wsUrl }),
  });
  const following = client.follow("s");
  const socket = await vi.waitUntil(() => server.sockets[0], { interval: 1 });
  expect(socket.url.split("?")[0]).toBe(expected);
  following.stop();
  await following.ended;
});
