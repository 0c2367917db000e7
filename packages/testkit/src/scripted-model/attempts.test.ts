import { expect, test } from "vitest";
import { createAttempts } from "./attempts.ts";

test("counts by key and forgets the oldest", () => {
  const attempts = createAttempts(2);
  expect([attempts.next(["a"]), attempts.next(["a"]), attempts.next(["b"])]).toEqual([0, 1, 0]);
  expect(attempts.next(["a"])).toBe(2);
  expect(attempts.next(["c"])).toBe(0);
  expect([attempts.next(["a"]), attempts.next(["b"])]).toEqual([3, 0]);
});
