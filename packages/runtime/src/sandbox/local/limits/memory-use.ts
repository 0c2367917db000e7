import { readdirSync, readlinkSync } from "node:fs";
import { readProc } from "../../host-process.ts";

/** Memory of all processes in the pid namespace of process `pid`, in bytes, without the pages that files back. */
export function memoryUse(pid: number): number {
  const namespace = link(pid);
  if (namespace === null) return 0;
  const members = readdirSync("/proc")
    .map(Number)
    .filter((one) => one > 1 && link(one) === namespace);
  return members.reduce((total, one) => total + ownMemory(one), 0);
}

/** Pages that processes share after a fork count once, divided among them, where the kernel says so. */
function ownMemory(pid: number): number {
  const shared = /^Pss_Anon:\s+(\d+) kB$/m.exec(readProc(`${pid}/smaps_rollup`) ?? "")?.[1];
  const resident = /^RssAnon:\s+(\d+) kB$/m.exec(readProc(`${pid}/status`) ?? "")?.[1];
  return Number(shared ?? resident ?? 0) * 1024;
}

function link(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return null;
  }
}
