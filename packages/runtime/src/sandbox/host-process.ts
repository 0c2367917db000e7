import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";

/** Environment variable that every process of an unisolated sandbox carries. */
export const SANDBOX_MARK = "AGENT_RUNTIME_SANDBOX";

/**
 * What tells a process from a later one with the same number: its boot and its start. null: no such process, or one
 * that has ended and only waits for its parent.
 */
export function processIdentity(pid: number): string | null {
  if (!Number.isSafeInteger(pid) || pid <= 1) return null;
  return process.platform === "linux" ? linuxIdentity(pid) : psIdentity(pid);
}

function linuxIdentity(pid: number): string | null {
  const stat = readProc(`${pid}/stat`);
  if (stat === null) return null;
  // The name in parentheses may hold anything, `)` too; the state is the first field after it, the start the 20th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, start] = [fields[0], fields[19]];
  if (start === undefined || state === "Z" || state === "X") return null;
  return `${bootId()}/${start}`;
}

function psIdentity(pid: number): string | null {
  try {
    const [state, ...start] = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" })
      .trim()
      .split(/\s+/);
    return state === undefined || state.startsWith("Z") ? null : start.join(" ");
  } catch {
    return null;
  }
}

function bootId(): string {
  return readProc("sys/kernel/random/boot_id")?.trim() ?? "";
}

/** Processes that carry the mark of sandbox `key`. Empty where the system does not show environments. */
export function markedProcesses(key: string): readonly number[] {
  if (process.platform !== "linux") return [];
  const mark = `${SANDBOX_MARK}=${key}`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readProc(`${pid}/environ`)?.split("\0").includes(mark) ?? false)
    .map(Number);
}

/** SIGKILL, to a process or (negative) to a group; one that is gone is as good as killed. */
export function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** A file of /proc; null where it is not there or not ours to read. */
export function readProc(path: string): string | null {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return null;
  }
}
