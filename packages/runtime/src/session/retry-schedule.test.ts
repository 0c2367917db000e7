import { expect, test } from "vitest";
import { RetrySchedule } from "./retry-schedule.ts";

test("the wait doubles with each failure up to the bound, and begins anew for what was forgotten", () => {
  const retries = new RetrySchedule({ first: 100, most: 300 });
  expect(retries.due("a", 0)).toBe(true);
  const waits = [0, 1000, 2000, 3000].map((now) => {
    retries.failed("a", now);
    return [99, 100, 199, 200, 299, 300].find((after) => retries.due("a", now + after));
  });
  expect(waits).toEqual([100, 200, 300, 300]);
  expect(retries.due("b", 3000)).toBe(true);
  retries.keep(new Set(["b"]));
  expect(retries.due("a", 3000)).toBe(true);
  retries.failed("a", 4000);
  expect(retries.due("a", 4100)).toBe(true);
});
