import { execFile } from "node:child_process";
import { statfs } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

const LOOK_MS = 500;
/** A measurement that took long is not made often: at most this part of the time. */
const PART_OF_TIME = 1 / 5;
const LONGEST_PAUSE_MS = 5_000;
/** What a file takes beside its blocks: without this, empty files would cost nothing. */
const PER_FILE_BYTES = 512;

/** Resolves with the bytes in use when these folders together have more than `limit`. Rejects when `signal` aborts. */
export async function overDiskLimit(folders: readonly string[], limit: number, signal: AbortSignal): Promise<number> {
  for (let last = { at: -Infinity, took: 0, used: 0, free: 0 }; ;) {
    await sleep(LOOK_MS, undefined, { signal, ref: false });
    const free = await freeBytes(folders[0] ?? "/").catch(() => 0);
    const at = performance.now();
    const age = at - last.at;
    // As long as the whole disk has not lost half of what this sandbox may still take, the sandbox has not taken it.
    const due = age > LONGEST_PAUSE_MS || last.free - free > (limit - last.used) / 2;
    if (!due || age < last.took / PART_OF_TIME) continue;
    const used = await diskUse(folders);
    last = { at: performance.now(), took: performance.now() - at, used, free };
    if (used > limit) return used;
  }
}

async function diskUse(folders: readonly string[]): Promise<number> {
  const [blocks, files] = await Promise.all([du(["-B1"], folders), du(["--inodes"], folders)]);
  return blocks + files * PER_FILE_BYTES;
}

/** What ends while it is being counted is an error of du, too: then its numbers are as good as they get. */
async function du(options: readonly string[], folders: readonly string[]): Promise<number> {
  const done = run("du", ["-sx", ...options, "--", ...folders], { env: { PATH: "/usr/bin:/bin", LC_ALL: "C" } });
  const { stdout } = await done.catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? "" }));
  return stdout.split("\n").reduce((total, line) => total + (Number.parseInt(line, 10) || 0), 0);
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize, ffree } = await statfs(folder);
  return bavail * bsize + ffree * PER_FILE_BYTES;
}
