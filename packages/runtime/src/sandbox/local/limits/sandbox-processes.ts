import { readdirSync, readlinkSync } from "node:fs";

/** Processes in the pid namespace of process `pid`, by their numbers out here. */
export function processesWith(pid: number): readonly number[] {
  const namespace = namespaceOf(pid);
  if (namespace === null) return [];
  return readdirSync("/proc")
    .map(Number)
    .filter((one) => one > 1 && namespaceOf(one) === namespace);
}

function namespaceOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return null;
  }
}
