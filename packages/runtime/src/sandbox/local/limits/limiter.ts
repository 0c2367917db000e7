import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { SandboxPlace } from "../../host-launcher.ts";
import { readProc } from "../../host-process.ts";
import type { SandboxLimits } from "../../port.ts";
import { findGroupParents, killedForMemory, makeGroup, removeGroup } from "./control-groups.ts";
import type { Bounded, GroupParent } from "./control-groups.ts";
import { canMeasure, DiskWatch } from "./disk-use.ts";
import { effectiveLimits } from "../../effective-limits.ts";
import { bounded, joining } from "./limited-command.ts";
import { MemoryWatch } from "./memory-use.ts";

/** What is kept of a sandbox's limits, for the server that comes after this one. */
const Kept = z.object({
  limits: z.object({ memoryBytes: z.number(), diskBytes: z.number() }),
  groups: z.array(z.string()),
  /** The kernel bounds its memory; else it is looked at. */
  memory: z.boolean(),
});
type Kept = z.infer<typeof Kept>;

const REMOVAL_TRIES = 200;
const MIB = 1024 * 1024;
/** Killed: by a signal with the number 9. */
const KILLED = 137;

export interface LimitedStart {
  readonly memoryBytes: number;
  /** Puts a command that starts the sandbox under its limits. */
  outside(command: readonly string[]): readonly string[];
  /** The same for the first command inside. */
  inside(command: readonly string[]): readonly string[];
}

/** Bounds what sandboxes of this host use, by the means that the machine gives. */
export class Limiter {
  readonly #defaults: SandboxLimits | undefined;
  readonly #find: () => readonly GroupParent[];
  #parents: readonly GroupParent[] | undefined;
  readonly #watches = new Map<string, { readonly disk: DiskWatch; readonly memory: MemoryWatch }>();

  constructor(defaults: SandboxLimits | undefined, find: () => readonly GroupParent[] = findGroupParents) {
    this.#defaults = defaults;
    this.#find = find;
  }

  /** Makes what the kernel needs for the limits, after it has removed what an earlier start has left of it. */
  async prepare(place: SandboxPlace, wanted: SandboxLimits | undefined): Promise<LimitedStart> {
    const limits = effectiveLimits(wanted, this.#defaults);
    await this.clean(place);
    const parents = this.#groupParents();
    const memory = parents.some(({ bounds }) => bounds.includes("memory"));
    const name = groupName(place);
    const groups = parents.map(({ folder }) => join(folder, name));
    // Before the groups are made: a crash in between leaves nothing that cannot be found.
    await writeFile(keptPath(place), JSON.stringify({ limits, groups, memory } satisfies Kept), { mode: 0o600 });
    for (const parent of parents) makeGroup(parent, name, limits);
    return {
      memoryBytes: limits.memoryBytes,
      outside: (command) => joining(groups, command),
      inside: (command) => bounded(limits, { memory: !memory, command }),
    };
  }

  /** What it uses beyond its limits, of what the kernel does not bound; null: nothing. */
  async overuse(place: SandboxPlace, pid: number): Promise<string | null> {
    const kept = readKept(place);
    if (kept === null) return null;
    const { memoryBytes, diskBytes } = kept.limits;
    const { memory, disk } = this.#watch(place, kept);
    if (!kept.memory && memory.over(pid)) return `out of memory: ${usedUp("memory", memoryBytes)}`;
    const used = await disk.over(pid);
    if (used === null) return null;
    if (used === Infinity) return "out of disk: the sandbox had more files than can be counted";
    return `out of disk: the sandbox had ${mib(used)} of files in its workspace, home and state, and may have ${mib(diskBytes)}`;
  }

  /** Why it ended, where that has to do with its limits. */
  endCause(place: SandboxPlace, exitCode: number | null): string | null {
    const kept = readKept(place);
    if (kept === null || (exitCode !== null && exitCode !== KILLED)) return null;
    if (!kept.groups.some((group) => killedForMemory(group) > 0)) return null;
    return `out of memory: ${usedUp("memory", kept.limits.memoryBytes)}`;
  }

  /** Removes what the kernel holds for a sandbox that has ended. */
  async clean(place: SandboxPlace): Promise<void> {
    this.#watches.delete(place.folders.root);
    for (const group of readKept(place)?.groups ?? []) {
      try {
        for (let tries = 0; !removeGroup(group) && tries < REMOVAL_TRIES; tries += 1) await sleep(10);
      } catch {
        // An empty group that stays costs nothing, and must not keep the sandbox from its end.
      }
    }
    await rm(keptPath(place), { force: true });
  }

  /** What bounds what, on this machine, in words. */
  describe(): { readonly has: readonly string[]; readonly lacks: readonly string[] } {
    const parents = this.#groupParents();
    const version = (bound: Bounded): string | undefined => {
      const parent = parents.find(({ bounds }) => bounds.includes(bound));
      return parent === undefined ? undefined : `cgroup v${parent.version}`;
    };
    const processes = version("processes") ?? (isRoot() ? undefined : "prlimit");
    const measures = canMeasure();
    const has = [
      `memory: ${version("memory") ?? "looked at, and prlimit for each process"}`,
      ...(processes === undefined ? [] : [`processes: ${processes}`]),
      ...(version("cpus") === undefined ? [] : [`cpus: ${version("cpus")}`]),
      "open files and file size: prlimit",
      ...(measures ? ["disk: looked at"] : []),
    ];
    const lacks = [
      ...(processes === undefined ? ["a limit on processes"] : []),
      ...(version("cpus") === undefined ? ["a limit on cpus"] : []),
      ...(measures ? [] : ["a limit on disk, which needs GNU du"]),
    ];
    return { has, lacks };
  }

  #groupParents(): readonly GroupParent[] {
    this.#parents ??= this.#find();
    return this.#parents;
  }

  #watch({ folders }: SandboxPlace, { limits }: Kept): { readonly disk: DiskWatch; readonly memory: MemoryWatch } {
    const found = this.#watches.get(folders.root);
    if (found !== undefined) return found;
    const written = [folders.workspace, folders.home, folders.state, folders.log];
    const watch = { disk: new DiskWatch(written, limits.diskBytes), memory: new MemoryWatch(limits.memoryBytes) };
    this.#watches.set(folders.root, watch);
    return watch;
  }
}

function usedUp(what: string, bytes: number): string {
  return `the sandbox has used up its ${mib(bytes)} of ${what}`;
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}

/** Readable, and unlike that of the same key in another data directory. */
function groupName({ key, folders }: SandboxPlace): string {
  return `${key}.${createHash("sha256").update(folders.root).digest("hex").slice(0, 12)}`;
}

function keptPath(place: SandboxPlace): string {
  return join(place.folders.log, "limits.json");
}

function readKept(place: SandboxPlace): Kept | null {
  try {
    return Kept.parse(JSON.parse(readFileSync(keptPath(place), "utf8")));
  } catch {
    return null;
  }
}

/** Root of the machine, whom the kernel lets have any number of processes; not of a user namespace. */
function isRoot(): boolean {
  return process.getuid?.() === 0 && /^\s*0\s+0\s/m.test(readProc("self/uid_map") ?? "0 0 ");
}
