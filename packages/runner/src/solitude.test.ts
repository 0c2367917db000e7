import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createSolitude } from "./solitude.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("is over only after a whole stretch without a server and without a turn", async () => {
  let isAlone = true;
  let over = false;
  const solitude = createSolitude({ aloneMs: 1_000, isAlone: () => isAlone });
  void solitude.over.then(() => (over = true));
  const set = (value: boolean) => {
    isAlone = value;
    solitude.update();
  };
  await vi.advanceTimersByTimeAsync(900);
  set(false);
  await vi.advanceTimersByTimeAsync(5_000);
  set(true);
  await vi.advanceTimersByTimeAsync(900);
  solitude.update();
  expect(over).toBe(false);
  await vi.advanceTimersByTimeAsync(100);
  expect(over).toBe(true);
});
