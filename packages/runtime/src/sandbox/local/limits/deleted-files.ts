import { readdirSync, readlinkSync, statSync } from "node:fs";
import { processesWith } from "./sandbox-processes.ts";

const BLOCK_BYTES = 512;

/**
 * Bytes on the disk of `folder` in files that have no name any more, and that a process of the sandbox of process
 * `pid` has open: nothing else finds them.
 */
export function deletedFiles(pid: number, folder: string): number {
  const device = statSync(folder).dev;
  const sizes = new Map<number, number>();
  for (const one of processesWith(pid)) {
    for (const path of openFiles(one)) {
      const file = statSync(path, { throwIfNoEntry: false });
      if (file?.dev === device && file.nlink === 0) sizes.set(file.ino, file.blocks * BLOCK_BYTES);
    }
  }
  return [...sizes.values()].reduce((total, size) => total + size, 0);
}

/** The open files of a process that are gone, as paths that lead to them all the same. */
function openFiles(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder)
      .map((name) => `${folder}/${name}`)
      .filter((path) => readlinkSync(path).endsWith(" (deleted)"));
  } catch {
    return [];
  }
}
