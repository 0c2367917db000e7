import { execFile, spawnSync } from "node:child_process";
import { statfs } from "node:fs/promises";
import { promisify } from "node:util";
import { deletedFiles } from "./deleted-files.ts";

const run = promisify(execFile);

/** What a file takes beside its blocks, in bytes: without this, empty files would cost nothing. */
const PER_FILE_BYTES = 1024;
const LONGEST_PAUSE_MS = 5_000;
const SHORTEST_PAUSE_MS = 500;
/** A measurement that took long is not made often: at most this part of the time. */
const PART_OF_TIME = 1 / 10;
const MEASURE_TIMEOUT_MS = 120_000;

/**
 * Bytes on disk of these folders together, links not followed, a file with several names counted once. Folders that
 * are closed to their owner are opened for it: what cannot be seen could not be bounded.
 */
export async function diskUse(folders: readonly string[]): Promise<number> {
  const [blocks, files] = await Promise.all([du(["-B1"], folders), du(["--inodes"], folders)]);
  return blocks + files * PER_FILE_BYTES;
}

async function du(options: readonly string[], folders: readonly string[]): Promise<number> {
  const command = ["-sx", ...options, "--", ...folders];
  const settings = { timeout: MEASURE_TIMEOUT_MS, env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" } };
  try {
    return sum((await run("du", command, settings)).stdout);
  } catch {
    // What ended while it was being counted is an error of du too: then its numbers are as good as they get.
    await run("find", [
      ...folders,
      "-xdev",
      "-type",
      "d",
      "!",
      "-readable",
      "-exec",
      "chmod",
      "u+rwx",
      "{}",
      "+",
    ]).catch(() => undefined);
    const again = await run("du", command, settings).catch((error: unknown) => said(error));
    return sum(again.stdout);
  }
}

/** `du` was cut off by its deadline. */
function endless(error: unknown): number {
  if (error instanceof Error && "killed" in error && error.killed === true) return Infinity;
  throw error;
}

/** Whether this machine's `du` can do what is needed of it. */
export function canMeasure(): boolean {
  return spawnSync("du", ["-sx", "--inodes", "-B1", "--", "/dev/null"], { stdio: "ignore" }).status === 0;
}

function said(error: unknown): { stdout: string } {
  const ended = !(error instanceof Error && "killed" in error && error.killed === true);
  if (ended && error instanceof Error && "stdout" in error && typeof error.stdout === "string")
    return { stdout: error.stdout };
  throw error;
}

function sum(text: string): number {
  return text.split("\n").reduce((total, line) => total + (Number.parseInt(line, 10) || 0), 0);
}

/** Says how much a sandbox has on disk, and measures no more often than it must. */
export class DiskWatch {
  readonly #folders: readonly string[];
  readonly #limit: number;
  readonly #now: () => number;
  #measured: { readonly at: number; readonly took: number; readonly used: number; readonly free: number } | undefined;

  constructor(folders: readonly string[], limit: number, now: () => number = () => performance.now()) {
    this.#folders = folders;
    this.#limit = limit;
    this.#now = now;
  }

  /**
   * Bytes in use by the sandbox of process `pid` where that is more than the limit; else null. Infinite where they are
   * so many files that counting them does not end: what cannot be counted could not be bounded.
   */
  async over(pid: number): Promise<number | null> {
    const [folder = "/"] = this.#folders;
    const free = await freeBytes(folder);
    if (!this.#due(free)) return null;
    const at = this.#now();
    const used = (await diskUse(this.#folders).catch(endless)) + deletedFiles(pid, folder);
    this.#measured = { at, took: this.#now() - at, used, free };
    return used > this.#limit ? used : null;
  }

  /** As long as the whole disk has not lost half of what this sandbox may still take, the sandbox has not taken it. */
  #due(free: number): boolean {
    if (this.#measured === undefined) return true;
    const { at, took, used, free: then } = this.#measured;
    const age = this.#now() - at;
    if (age < Math.max(SHORTEST_PAUSE_MS, took / PART_OF_TIME)) return false;
    return age > LONGEST_PAUSE_MS || then - free > (this.#limit - used) / 2;
  }
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize, ffree } = await statfs(folder);
  return bavail * bsize + ffree * PER_FILE_BYTES;
}
