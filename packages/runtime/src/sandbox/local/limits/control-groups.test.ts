import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findGroupParents, killedForMemory, makeGroup } from "./control-groups.ts";

// Here folders stand for the kernel's; what the kernel does with real ones is in limits.test.ts.
let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "groups-"));
  mkdirSync(join(top, "agent-runtime"));
  for (const folder of [top, join(top, "agent-runtime")])
    writeFileSync(join(folder, "cgroup.subtree_control"), "cpu\n");
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const LIMITS = {
  memoryBytes: 1_000_000,
  cpus: 1.5,
  processes: 99,
  openFiles: 1,
  fileBytes: 1,
  diskBytes: 1,
};
const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));

test("version 2: each bound in the kernel's words, and the controllers passed on", () => {
  const parent = {
    version: 2,
    folder: join(top, "agent-runtime"),
    bounds: ["memory", "processes", "cpus"],
  } as const;
  mkdirSync(join(parent.folder, "one"));
  writeFileSync(join(parent.folder, "one", "memory.swap.max"), "max");
  expect(contents(makeGroup(parent, "one", LIMITS))).toEqual({
    "memory.max": "1000000",
    "memory.swap.max": "0",
    "pids.max": "99",
    "cpu.max": "150000 100000",
  });
  expect(readFileSync(join(top, "cgroup.subtree_control"), "utf8")).toBe("+memory +pids");
  expect(readFileSync(join(parent.folder, "cgroup.subtree_control"), "utf8")).toBe("+memory +pids");
  // All sandboxes together leave the machine some memory.
  expect(Number(readFileSync(join(parent.folder, "memory.max"), "utf8"))).toBeGreaterThan(LIMITS.memoryBytes);
});

test("version 1: each bound in the kernel's words; swap is left alone where the kernel does not count it", () => {
  const parent = { version: 1, folder: join(top, "agent-runtime"), bounds: ["memory", "processes", "cpus"] } as const;
  expect(contents(makeGroup(parent, "one", LIMITS))).toEqual({
    "memory.limit_in_bytes": "1000000",
    "pids.max": "99",
    "cpu.cfs_period_us": "100000",
    "cpu.cfs_quota_us": "150000",
  });
});

test("who was killed for memory is counted in either version", () => {
  expect(killedForMemory(top)).toBe(0);
  writeFileSync(join(top, "memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  expect(killedForMemory(top)).toBe(2);
  writeFileSync(join(top, "memory.events"), "low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\n");
  expect(killedForMemory(top)).toBe(3);
});

test("where no group can be made there is none, and nothing is left of the try", () => {
  const nowhere = { version: 2, controllers: [], ancestry: [join(top, "missing", "deep")] } as const;
  expect(findGroupParents([nowhere])).toEqual([]);
  expect(readdirSync(top)).toEqual(["agent-runtime", "cgroup.subtree_control"]);
});
