import { totalmem } from "node:os";
import { expect, test } from "vitest";
import { defaultMaxSandboxes } from "./configuration.ts";

const GIB = 2 ** 30;

test("maxSandboxes: two for each GiB beyond the server's own, one at least", () => {
  expect([0.5, 1, 2, 8, 64].map((size) => defaultMaxSandboxes(size * GIB))).toEqual([1, 1, 2, 14, 126]);
  expect(defaultMaxSandboxes()).toBeGreaterThanOrEqual(1);
  expect(defaultMaxSandboxes()).toBeLessThanOrEqual(Math.max(1, Math.floor((totalmem() - GIB) / (GIB / 2))));
});
