import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** What this host remembers of a local sandbox. */
export async function sandboxRecord(
  dataDir: string,
  sandboxId: string,
): Promise<{ process: { pid: number }; sockets: string }> {
  return JSON.parse(await readFile(join(dataDir, "sandboxes", sandboxId, "sandbox.json"), "utf8")) as Awaited<
    ReturnType<typeof sandboxRecord>
  >;
}

/** The process whose end is the end of a local sandbox. */
export async function sandboxPid(dataDir: string, sandboxId: string): Promise<number> {
  return (await sandboxRecord(dataDir, sandboxId)).process.pid;
}

/** What descends from `pid`, parents first. */
export function descendants(pid: number): Process[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processOf(Number(name)));
  const found: Process[] = [];
  for (let parents = [pid]; parents.length > 0;) {
    const children = all.filter(({ parent }) => parents.includes(parent));
    found.push(...children);
    parents = children.map((child) => child.pid);
  }
  return found;
}

/** The runner, a child of the sandbox's first process. */
export function runnerOf(sandbox: number): Process {
  return only(descendants(sandbox).filter(({ parent, command }) => parent === sandbox && isRunner(command)));
}

/** Started by Node; the shell beside it, which waits to start other programs, names the same file. */
function isRunner(command: string): boolean {
  return /^\S*node \S*runner\.mjs/.test(command);
}

/** The harness, a child of the runner. */
export function harnessOf(sandbox: number): Process {
  const runner = runnerOf(sandbox);
  return only(descendants(runner.pid).filter(({ parent }) => parent === runner.pid));
}

/** As the kernel has it: what it does, and where it waits. */
export function stateOf(pid: number): string {
  try {
    const state = /^State:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
    return `${state}, in ${readFileSync(`/proc/${pid}/wchan`, "utf8")}`;
  } catch {
    return "gone";
  }
}

/** Whether the process runs; one that has ended and waits for its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function processOf(pid: number): Process[] {
  try {
    const parent = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    return [{ pid, parent, command: readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim() }];
  } catch {
    return [];
  }
}

function only(found: readonly Process[]): Process {
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`not one process but: ${JSON.stringify(found)}`);
  return first;
}
