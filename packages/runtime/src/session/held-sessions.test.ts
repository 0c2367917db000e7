import { expect, test } from "vitest";
import { consoleLogger } from "../logger.ts";
import { HeldSessions, type Held } from "./held-sessions.ts";
import type { Session } from "./session.ts";

const KEY = { tenant: "default", sessionId: "s1" };
const LEASE = { nodeId: "a", fence: 3 };

function scene() {
  const back = Promise.withResolvers<void>();
  const given: unknown[] = [];
  const leases = {
    giveBack: async (...lease: unknown[]) => {
      given.push(lease);
      await back.promise;
    },
  };
  const held = new HeldSessions({ leases: leases as never, log: consoleLogger });
  const loading = Promise.resolve({ sessionId: "s1" } as Session);
  const entry: Held = { key: KEY, loading, lease: LEASE };
  held.add(entry);
  return { held, entry, given, back };
}

test("a session is being ended until its lease is given back: who loads it before would run it under a lease that is about to go", async () => {
  const { held, entry, given, back } = scene();
  let isOver = false;
  const end = held.end("s1", async () => undefined).then(() => (isOver = true));
  const seen = entry.ending;
  await expect.poll(() => given).toEqual([[KEY, LEASE]]);
  expect(held.get("s1")?.ending).toBe(seen);
  expect(isOver).toBe(false);
  back.resolve();
  await end;
  await seen;
  expect(held.get("s1")).toBeUndefined();
});

test("one that cannot be ended stays, keeps its lease, and can be ended again; who comes meanwhile waits for the same end", async () => {
  const { held, entry, given, back } = scene();
  back.resolve();
  const failure = new Error("not saved");
  const first = held.end("s1", () => Promise.reject(failure));
  const second = held.end("s1", () => Promise.resolve());
  await expect(first).rejects.toBe(failure);
  await expect(second).rejects.toBe(failure);
  expect([held.get("s1"), entry.ending, given]).toEqual([entry, undefined, []]);
  await held.end("s1", () => Promise.resolve());
  expect([held.get("s1"), given]).toEqual([undefined, [[KEY, LEASE]]]);
});
