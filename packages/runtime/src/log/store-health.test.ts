import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Committer } from "./committer.ts";
import { gatedStore, openLog } from "./testing/log-bench.ts";
import { StoreHealth } from "./store-health.ts";

const DOWN = new RuntimeError("persistence_unavailable", "the disk is full");
const never = new AbortController().signal;

beforeEach(() => void vi.useFakeTimers({ now: Date.parse("2026-11-22T10:00:00Z") }));
afterEach(() => void vi.useRealTimers());

function health(random = 0.999): StoreHealth {
  return new StoreHealth({ now: () => new Date(), random: () => random });
}

/** Callers that try until it works, and when each of them tried. */
function retrying(one: StoreHealth, callers: number, works: () => boolean) {
  const tries: number[] = [];
  const done = Array.from({ length: callers }, async () => {
    for (let attempt = 1; ; attempt += 1) {
      await one.turn(attempt, never);
      tries.push(Date.now());
      if (works()) return one.worked();
      one.failed(DOWN);
    }
  });
  return { tries, done: Promise.all(done) };
}

test("a store that is down is asked by one of a hundred at a time, more and more seldom, and by all once it works", async () => {
  let up = false;
  const one = health();
  one.failed(DOWN);
  const { tries, done } = retrying(one, 100, () => up);
  await vi.advanceTimersByTimeAsync(60_000);
  const begun = tries.length;
  // A hundred callers alone, each at most every 5 s, would have tried 1,200 times.
  expect(begun).toBeGreaterThan(10);
  expect(begun).toBeLessThan(40);
  const gaps = tries
    .slice(-5)
    .map((at, index, all) => at - (all[index - 1] ?? at))
    .slice(1);
  for (const gap of gaps) expect([gap > 2400, gap <= 5000]).toEqual([true, true]);
  up = true;
  await vi.advanceTimersByTimeAsync(5000);
  await vi.advanceTimersByTimeAsync(5000);
  await done;
  expect([one.fault, one.waiting]).toEqual([undefined, 0]);
});

test("the distances are not the same for everybody", async () => {
  const [short, long] = [health(0), health(0.999)];
  const [a, b] = [vi.fn(), vi.fn()];
  void short.turn(5, never).then(a);
  void long.turn(5, never).then(b);
  await vi.advanceTimersByTimeAsync(401);
  expect([a.mock.calls.length, b.mock.calls.length]).toEqual([1, 0]);
  await vi.advanceTimersByTimeAsync(400);
  expect(b).toHaveBeenCalledOnce();
});

test("says since when; a second failure does not begin anew, a success ends it", () => {
  const one = health();
  one.failed(DOWN);
  vi.advanceTimersByTime(1000);
  one.failed(new RuntimeError("persistence_unavailable", "still"));
  expect(one.fault).toMatchObject({ since: new Date("2026-11-22T10:00:00Z"), error: { message: "still" } });
  one.worked();
  expect(one.fault).toBeUndefined();
});

test("who leaves does not wait, and takes nobody's turn", async () => {
  const one = health();
  one.failed(DOWN);
  const [leaving, other] = [new AbortController(), vi.fn()];
  const left = one.turn(1, leaving.signal);
  void one.turn(1, never).then(other);
  leaving.abort();
  await left;
  expect(other).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(300);
  expect(other).toHaveBeenCalledOnce();
});

test("a group of writes of which one got through has found a store that works", async () => {
  vi.useRealTimers();
  const { store } = gatedStore();
  const { key } = await openLog(store);
  const one = health();
  const failing = {
    ...store,
    append: async (batches: readonly unknown[]) => batches.map((_batch, index) => (index === 0 ? null : DOWN)),
  };
  const committer = new Committer(failing, one);
  const batch = { ...key, expectedSeq: 1, events: [] };
  const blocked = committer.commit(batch);
  const group = [committer.commit(batch), committer.commit(batch)];
  await blocked;
  expect(await Promise.allSettled(group)).toMatchObject([
    { status: "fulfilled" },
    { status: "rejected", reason: DOWN },
  ]);
  expect(one.fault).toBeUndefined();
  const down = new Committer({ ...store, append: () => Promise.reject(DOWN) }, one);
  await expect(down.commit(batch)).rejects.toBe(DOWN);
  expect(one.fault?.error).toBe(DOWN);
});
