import { initialState } from "@hhopkins/agent-runtime-protocol";
import { afterEach, expect, test, vi } from "vitest";
import { createAgentClient } from "../client.ts";
import { FakeServer } from "../testing/fake-server.ts";
import { createSessionStores } from "./session-stores.ts";

afterEach(() => vi.useRealTimers());

test("a session has one store; idle ones are forgotten but for the last few", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const server = new FakeServer();
  server.answers = [initialState("s", "log")];
  const { fetch, WebSocket } = server;
  const stores = createSessionStores(createAgentClient({ baseUrl: "http://x", fetch, WebSocket }), { graceMs: 0 });
  const followed = stores.get("followed");
  const leave = followed.subscribe(() => {});
  const first = stores.get("0");
  expect(stores.get("0")).toBe(first);
  const made = Array.from({ length: 50 }, (_, n) => {
    vi.setSystemTime(Date.now() + 60_000);
    return stores.get(String(n));
  });
  vi.setSystemTime(Date.now() + 60_000);
  stores.get("one more");
  expect(stores.get("followed")).toBe(followed);
  expect(stores.get("49")).toBe(made[49]);
  expect(stores.get("0")).not.toBe(first);
  leave();
});
