import { readProc } from "../../host-process.ts";
import { processesWith } from "./sandbox-processes.ts";

/** Memory of all processes of the sandbox of process `pid`, in bytes, without the pages that files back. */
function memoryUse(pid: number): number {
  return processesWith(pid).reduce((total, one) => total + ownMemory(one), 0);
}

const SHORTEST_PAUSE_MS = 200;
/** A look at all processes of the machine takes its time: at most this part of it. */
const PART_OF_TIME = 1 / 20;

/** Says how much memory a sandbox has, and looks no more often than it must. */
export class MemoryWatch {
  readonly #limit: number;
  #next = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether the sandbox of process `pid` has more than its limit. */
  over(pid: number): boolean {
    const at = performance.now();
    if (at < this.#next) return false;
    const used = memoryUse(pid);
    const now = performance.now();
    this.#next = now + Math.max(SHORTEST_PAUSE_MS, (now - at) / PART_OF_TIME);
    return used > this.#limit;
  }
}

/** Pages that processes share after a fork count once, divided among them, where the kernel says so. */
function ownMemory(pid: number): number {
  const shared = /^Pss_Anon:\s+(\d+) kB$/m.exec(readProc(`${pid}/smaps_rollup`) ?? "")?.[1];
  const resident = /^RssAnon:\s+(\d+) kB$/m.exec(readProc(`${pid}/status`) ?? "")?.[1];
  return Number(shared ?? resident ?? 0) * 1024;
}
