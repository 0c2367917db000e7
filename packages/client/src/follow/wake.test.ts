import { initialState } from "@hhopkins/agent-runtime-protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createAgentClient } from "../client.ts";
import { FakeServer, type FakeSocket } from "../testing/fake-server.ts";
import type { Following } from "./follower.ts";

/** What a browser has and Node has not. */
class Page extends EventTarget {
  hidden = false;
}

let window: EventTarget;
let page: Page;
let server: FakeServer;
let following: Following | undefined;

beforeEach(() => {
  window = new EventTarget();
  page = new Page();
  vi.stubGlobal("addEventListener", window.addEventListener.bind(window));
  vi.stubGlobal("removeEventListener", window.removeEventListener.bind(window));
  vi.stubGlobal("document", page);
  server = new FakeServer();
  server.answers = [{ ...initialState("s", "log"), lastSeq: 3 }];
});
afterEach(async () => {
  vi.useRealTimers();
  following?.stop();
  await following?.ended;
  vi.unstubAllGlobals();
});

function follow(initialMs: number): void {
  const { fetch, WebSocket } = server;
  const client = createAgentClient({ baseUrl: "http://x", fetch, WebSocket });
  following = client.follow("s", {}, { backoff: { initialMs, maxMs: initialMs }, random: () => 1 });
}

async function socket(n: number): Promise<FakeSocket> {
  return vi.waitUntil(() => server.sockets[n - 1], { interval: 1, timeout: 10_000 });
}

const signs: [string, () => void][] = [
  ["the network is back", () => window.dispatchEvent(new Event("online"))],
  ["the tab is seen again", () => page.dispatchEvent(new Event("visibilitychange"))],
  ["the page came out of the history", () => window.dispatchEvent(new Event("pageshow"))],
  ["`wake` says so", () => following?.wake()],
];

test.each(signs)("who waits to come back tries at once when %s", async (_sign, give) => {
  follow(3_600_000);
  (await socket(1)).cut();
  // The second attempt follows at once as well; from the third on it waits an hour.
  await vi.waitUntil(() => following?.status === "reconnecting", { interval: 1, timeout: 10_000 });
  const before = server.sockets.length;
  await vi.waitUntil(
    () => {
      give();
      return server.sockets.length > before;
    },
    { interval: 5, timeout: 10_000 },
  );
  page.hidden = true;
});

test("a tab that goes to sleep wakes nobody", async () => {
  follow(3_600_000);
  (await socket(1)).cut();
  await vi.waitUntil(() => following?.status === "reconnecting", { interval: 1, timeout: 10_000 });
  page.hidden = true;
  page.dispatchEvent(new Event("visibilitychange"));
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(server.sockets).toHaveLength(1);
});

test("a line that is live is asked, and given up where it does not answer", async () => {
  follow(1);
  const line = await socket(1);
  vi.useFakeTimers();
  line.open();
  line.acknowledge(3);
  window.dispatchEvent(new Event("offline"));
  expect(line.sent.at(-1)).toEqual({ event: "ping" });
  line.say({ event: "pong", data: {} });
  await vi.advanceTimersByTimeAsync(3000);
  expect(following?.status).toBe("live");
  window.dispatchEvent(new Event("offline"));
  await vi.advanceTimersByTimeAsync(3000);
  expect([line.readyState, following?.status]).toEqual([3, "reconnecting"]);
});

test("a follower that has stopped listens to nothing any more", async () => {
  const removed = vi.spyOn(window, "removeEventListener");
  vi.stubGlobal("removeEventListener", window.removeEventListener.bind(window));
  follow(1);
  following?.stop();
  await following?.ended;
  expect(removed.mock.calls.map(([type]) => type)).toEqual(["online", "offline", "pageshow"]);
});
