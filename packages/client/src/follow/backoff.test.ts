import { initialState } from "@hhopkins/agent-runtime-protocol";
import { expect, test, vi } from "vitest";
import { createAgentClient } from "../client.ts";
import { FakeServer } from "../testing/fake-server.ts";
import { waitBefore } from "./backoff.ts";

test("the wait doubles up to its most, with half of it left to chance", () => {
  const backoff = { initialMs: 100, maxMs: 300 };
  const waits = (random: number) => [0, 1, 2, 3, 9].map((attempt) => waitBefore(attempt, backoff, () => random));
  expect(waits(1)).toEqual([0, 100, 200, 300, 300]);
  expect(waits(0)).toEqual([0, 50, 100, 150, 150]);
});

test("a follower waits as it was told, by the chance that it was given", async () => {
  const server = new FakeServer();
  server.answers = ["unreachable", "unreachable", "unreachable", initialState("s", "log")];
  const { fetch, WebSocket } = server;
  const random = vi.fn(() => 0);
  const following = createAgentClient({ baseUrl: "http://x", apiKey: "k", fetch, WebSocket }).follow(
    "s",
    {},
    { backoff: { initialMs: 2, maxMs: 2 }, random },
  );
  await vi.waitUntil(() => server.sockets[0], { interval: 1 });
  expect(random).toHaveBeenCalledTimes(3);
  following.stop();
  await following.ended;
});
