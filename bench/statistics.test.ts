import { expect, test } from "vitest";
import { summarize } from "./statistics.ts";

test("a summary lies between its values, in whatever order they come", () => {
  expect(summarize([40, 10, 30, 20])).toEqual({ n: 4, min: 10, median: 25, p95: 38.5, max: 40 });
  expect(summarize([7])).toEqual({ n: 1, min: 7, median: 7, p95: 7, max: 7 });
  expect(summarize([]).median).toBeNaN();
});
