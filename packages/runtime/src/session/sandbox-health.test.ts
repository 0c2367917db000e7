import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SandboxLife } from "../sandbox/port.ts";
import { watchHealth } from "./sandbox-health.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched() {
  const told: string[] = [];
  const state = { attached: true, started: true, life: "running" as SandboxLife | "hangs" | "throws", asked: 0 };
  const stop = watchHealth({
    isAttached: () => state.attached,
    isStarted: () => state.started,
    status: async () => {
      state.asked += 1;
      if (state.life === "throws") throw new Error("no route");
      return state.life === "hangs" ? new Promise<never>(() => undefined) : state.life;
    },
    onAway: async (message) => void told.push(message),
    onBack: async () => void told.push("back"),
    onGone: () => void told.push("gone"),
    onError: (error) => void told.push(String(error)),
  });
  return { told, state, stop };
}

test("who is attached is not asked about; a short absence is none", async () => {
  const { told, state, stop } = watched();
  await vi.advanceTimersByTimeAsync(20_000);
  state.attached = false;
  await vi.advanceTimersByTimeAsync(2000);
  state.attached = true;
  await vi.advanceTimersByTimeAsync(20_000);
  expect([told, state.asked]).toEqual([[], 0]);
  stop();
});

test.each([
  ["running", "not connected"],
  ["asleep", "asleep"],
  ["unreachable", "cannot be reached"],
  ["throws", "cannot be reached"],
  ["hangs", "cannot be reached"],
] as const)("one that is %s is away until it is back", async (life, words) => {
  const { told, state, stop } = watched();
  Object.assign(state, { life, attached: false });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told[0]).toContain(words);
  expect(new Set(told).size).toBe(1);
  state.attached = true;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told.at(-1)).toBe("back");
  const { length } = told;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toHaveLength(length);
  stop();
});

test("one that is gone is told so; one that starts is left to its start; nothing is told after a stop", async () => {
  const { told, state, stop } = watched();
  Object.assign(state, { life: "gone", attached: false, started: false });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(told).toEqual([]);
  state.started = true;
  await vi.advanceTimersByTimeAsync(1000);
  expect(told).toEqual(["gone"]);
  stop();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(told).toEqual(["gone"]);
});
