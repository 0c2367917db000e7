import { readdir, readFile } from "node:fs/promises";

export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  /** Id of its process group. */
  readonly group: number;
  readonly command: string;
}

/** Processes of this machine, as /proc tells. */
async function processes(): Promise<RunningProcess[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(pids.map((pid) => readProcess(Number(pid))));
  return all.flatMap((found) => found ?? []);
}

async function readProcess(pid: number): Promise<RunningProcess | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const command = (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " ").trim();
    // The name in parentheses may hold spaces; what follows it does not.
    const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? null : { pid, parent: Number(parent), group: Number(group), command };
  } catch {
    return null;
  }
}

/** `pid` and everything below it. */
export async function processTree(pid: number): Promise<RunningProcess[]> {
  const all = await processes();
  const tree = all.filter((one) => one.pid === pid);
  for (const parent of tree) tree.push(...all.filter((one) => one.parent === parent.pid));
  return tree;
}

/** What is in the process group that `pid` leads, or led: its tree may have lost some of it. */
export async function processGroup(pid: number): Promise<RunningProcess[]> {
  return (await processes()).filter(({ group }) => group === pid);
}
