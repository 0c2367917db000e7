import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupMounts } from "./cgroup-mounts.ts";
import type { CgroupMount } from "./cgroup-mounts.ts";
import { joining } from "./limited-command.ts";
import { machineMemory } from "../../effective-limits.ts";
import type { EffectiveLimits } from "../../effective-limits.ts";

/** What a control group can bound. */
export type Bounded = "memory" | "processes" | "cpus";

/** A folder of the kernel's in which each sandbox gets a group. */
export interface GroupParent {
  readonly version: 1 | 2;
  readonly folder: string;
  readonly bounds: readonly Bounded[];
}

/** The group that holds those of all sandboxes. */
const ALL = "agent-runtime";
const CONTROLLERS: Readonly<Record<Bounded, string>> = { memory: "memory", processes: "pids", cpus: "cpu" };
const EVERY = Object.keys(CONTROLLERS) as Bounded[];
const CPU_PERIOD_US = 100_000;
const LEFT_TO_OTHERS_BYTES = 1024 * 1024 * 1024;

/** Files of a group and what is written into them, for one bound. Those that end in `?` need not be there. */
function settings(version: 1 | 2, bound: Bounded, limits: EffectiveLimits): Readonly<Record<string, string>> {
  const memory = String(limits.memoryBytes);
  const processes = String(limits.processes);
  // The kernel takes no less than a millisecond.
  const quota = String(Math.max(1000, Math.round(limits.cpus * CPU_PERIOD_US)));
  if (version === 2) {
    if (bound === "memory") return { "memory.max": memory, "memory.swap.max?": "0" };
    if (bound === "processes") return { "pids.max": processes };
    return { "cpu.max": `${quota} ${CPU_PERIOD_US}` };
  }
  // In version 1 memory with swap cannot be bounded before memory is.
  if (bound === "memory") return { "memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes?": memory };
  if (bound === "processes") return { "pids.max": processes };
  return { "cpu.cfs_period_us": String(CPU_PERIOD_US), "cpu.cfs_quota_us": quota };
}

/**
 * Where groups for sandboxes can be made by this process, each proved with a process that joins a group. Version 2
 * first; what it does not bound, by version 1.
 */
export function findGroupParents(mounts: readonly CgroupMount[] = cgroupMounts()): readonly GroupParent[] {
  const found: GroupParent[] = [];
  const bounded = new Set<Bounded>();
  for (const mount of mounts.toSorted((a, b) => b.version - a.version)) {
    const wanted = EVERY.filter(
      (bound) => !bounded.has(bound) && (mount.version === 2 || mount.controllers.includes(CONTROLLERS[bound])),
    );
    const parent = wanted.length === 0 ? null : parentIn(mount, wanted);
    if (parent === null) continue;
    for (const bound of parent.bounds) bounded.add(bound);
    found.push(parent);
  }
  return found;
}

/** As near to this process's own group as can be: what bounds the server bounds its sandboxes too. */
function parentIn(mount: CgroupMount, wanted: readonly Bounded[]): GroupParent | null {
  let best: GroupParent | null = null;
  for (const above of mount.ancestry) {
    const parent = tryParent({ version: mount.version, folder: join(above, ALL), bounds: wanted });
    if (parent.bounds.length > (best?.bounds.length ?? 0)) best = parent;
    if (parent.bounds.length === wanted.length) break;
  }
  return best;
}

/** What of `bounds` can be had there. */
function tryParent(parent: GroupParent): GroupParent {
  const trial = `trial-${randomUUID()}`;
  const bounds = parent.bounds.filter((bound) => {
    try {
      const folder = makeGroup({ ...parent, bounds: [bound] }, trial, TRIAL_LIMITS);
      const [program = "", ...rest] = joining([folder], ["/bin/true"]);
      return spawnSync(program, rest, { env: {}, timeout: 5000 }).status === 0;
    } catch {
      return false;
    } finally {
      removeGroup(join(parent.folder, trial));
    }
  });
  return { ...parent, bounds };
}

const TRIAL_LIMITS: EffectiveLimits = {
  memoryBytes: 256 * 1024 * 1024,
  cpus: 1,
  processes: 64,
  openFiles: 64,
  fileBytes: 1,
  diskBytes: 1,
};

/** Makes the group `name`, or takes the one that is there, and bounds it. Answers its folder. */
export function makeGroup(parent: GroupParent, name: string, limits: EffectiveLimits): string {
  const folder = join(parent.folder, name);
  for (let tries = 0; ; tries += 1) {
    try {
      makeFolder(parent.folder);
      if (parent.version === 2) passOn(parent);
      boundAll(parent);
      makeFolder(folder);
      break;
    } catch (error) {
      // Another sandbox's end may just have removed the parent.
      if (tries === 5) throw error;
    }
  }
  for (const bound of parent.bounds) {
    for (const [file, value] of Object.entries(settings(parent.version, bound, limits))) set(folder, file, value);
  }
  return folder;
}

function makeFolder(path: string): void {
  if (!existsSync(path)) mkdirSync(path);
}

/**
 * All sandboxes together leave the machine some memory: the server's own, and what others need. Of its processors they
 * get as much as ten processes outside: a group counts as one where nobody says otherwise.
 */
function boundAll({ version, bounds, folder }: GroupParent): void {
  if (bounds.includes("cpus")) {
    writeFileSync(join(folder, version === 2 ? "cpu.weight" : "cpu.shares"), version === 2 ? "1000" : "10240");
  }
  if (!bounds.includes("memory")) return;
  const memory = machineMemory();
  const share = Math.floor(Math.max(memory / 2, memory - LEFT_TO_OTHERS_BYTES));
  const file = join(folder, version === 2 ? "memory.max" : "memory.limit_in_bytes");
  try {
    writeFileSync(file, String(share));
  } catch (error) {
    // Version 1 takes no lower limit while more is in use: the one that is there goes on.
    if (!(error instanceof Error && "code" in error && error.code === "EBUSY")) throw error;
  }
}

/** In version 2 a group has the controllers that the groups above it pass on. */
function passOn({ folder, bounds }: GroupParent): void {
  for (const group of [join(folder, ".."), folder]) {
    const file = join(group, "cgroup.subtree_control");
    const passed = readFileSync(file, "utf8").trim().split(" ");
    const missing = bounds.map((bound) => CONTROLLERS[bound]).filter((controller) => !passed.includes(controller));
    if (missing.length > 0) writeFileSync(file, missing.map((controller) => `+${controller}`).join(" "));
  }
}

function set(folder: string, file: string, value: string): void {
  const path = join(folder, file.replace("?", ""));
  if (file.endsWith("?") && !existsSync(path)) return;
  writeFileSync(path, value);
}

/** How many processes of the group were killed because its memory was used up. */
export function killedForMemory(folder: string): number {
  for (const file of ["memory.events", "memory.oom_control"]) {
    const count = /^oom_kill (\d+)$/m.exec(read(join(folder, file)))?.[1];
    if (count !== undefined) return Number(count);
  }
  return 0;
}

/** Kills what is left in the group. true: it is gone, or was. */
export function removeGroup(folder: string): boolean {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    if (error.code === "EBUSY") return killMembers(folder);
    if (error.code !== "ENOENT") throw error;
  }
  try {
    // The group of all goes with the last one.
    rmdirSync(join(folder, ".."));
  } catch {
    // There are others, or the kernel's top folder.
  }
  return true;
}

function killMembers(folder: string): false {
  for (const pid of read(join(folder, "cgroup.procs")).split("\n").map(Number)) {
    try {
      if (pid > 1) process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
  return false;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
