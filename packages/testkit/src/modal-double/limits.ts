import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface BoxLimits {
  readonly memoryBytes: number;
  /** Processes and threads. */
  readonly processes: number;
  readonly cpus?: number;
}

const ROOT = "/sys/fs/cgroup";
const PERIOD_US = 100_000;

/** For each controller that this machine lets us use: the folder of its tree, and what to write for the limits. */
function controllers({
  memoryBytes,
  processes,
  cpus,
}: BoxLimits): readonly { tree: string; files: Record<string, string> }[] {
  const quota = cpus === undefined ? null : Math.round(cpus * PERIOD_US);
  if (existsSync(join(ROOT, "cgroup.controllers"))) {
    const files: Record<string, string> = { "memory.max": String(memoryBytes), "pids.max": String(processes) };
    if (quota !== null) files["cpu.max"] = `${quota} ${PERIOD_US}`;
    return [{ tree: ROOT, files }];
  }
  return [
    { tree: join(ROOT, "memory"), files: { "memory.limit_in_bytes": String(memoryBytes) } },
    { tree: join(ROOT, "pids"), files: { "pids.max": String(processes) } },
    ...(quota === null ? [] : [{ tree: join(ROOT, "cpu"), files: { "cpu.cfs_quota_us": String(quota) } }]),
  ];
}

/**
 * Control groups with these limits, as folders: a process that writes its number into their `cgroup.procs` is held by
 * them, with all that it starts. Empty where this machine gives none, e.g. to an ordinary user.
 */
export async function makeLimitGroups(name: string, limits: BoxLimits): Promise<readonly string[]> {
  const made: string[] = [];
  for (const { tree, files } of controllers(limits)) {
    const folder = join(tree, name);
    try {
      await mkdir(folder, { recursive: true });
      made.push(folder);
      // Version 2: a group's limits are there when the group above hands them on.
      if (tree === ROOT) await writeFile(join(folder, "../cgroup.subtree_control"), "+memory +pids +cpu");
      for (const [file, value] of Object.entries(files)) await writeFile(join(folder, file), value);
    } catch {
      await removeLimitGroups(name);
      return [];
    }
  }
  return made;
}

/** Takes the groups away, with the groups in them, when their processes have ended. */
export async function removeLimitGroups(name: string): Promise<void> {
  for (const tree of [ROOT, ...["memory", "pids", "cpu"].map((controller) => join(ROOT, controller))]) {
    await removeGroup(join(tree, name));
  }
}

async function removeGroup(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeGroup(join(folder, entry.name));
  }
  for (let tries = 0; tries < 50; tries += 1) {
    // The kernel lets go of the last process a moment after it has ended.
    const left = await readFile(join(folder, "cgroup.procs"), "utf8").catch(() => "");
    if (
      left === "" &&
      (await rmdir(folder).then(
        () => true,
        () => false,
      ))
    )
      return;
    await sleep(20);
  }
}
