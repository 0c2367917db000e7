import { expect, test } from "vitest";
import { defaultLimits, effectiveLimits, machineMemory } from "./effective-limits.ts";

const GIB = 2 ** 30;

test("what nobody says comes from the machine: never more than half of its memory, or its processors", () => {
  expect(defaultLimits({ memoryBytes: 64 * GIB, cpus: 16 })).toEqual({
    memoryBytes: 4 * GIB,
    cpus: 2,
    processes: 512,
    openFiles: 8192,
    fileBytes: 4 * GIB,
    diskBytes: 10 * GIB,
  });
  expect(defaultLimits({ memoryBytes: 2 * GIB, cpus: 1 })).toMatchObject({ memoryBytes: GIB, cpus: 1 });
  expect(machineMemory()).toBeGreaterThan(0);
});

test("the sandbox's own limit comes before the provider's, that before the default; absent is not a limit", () => {
  expect(effectiveLimits({ processes: 1 }, { processes: 2, openFiles: 3 })).toMatchObject({
    processes: 1,
    openFiles: 3,
    cpus: defaultLimits().cpus,
  });
  expect(effectiveLimits(undefined, undefined)).toEqual(defaultLimits());
  expect(effectiveLimits({ cpus: undefined })).toEqual(defaultLimits());
});
