/** What a person changes in a workspace at which an agent may be at work: never through a symlink, never over a folder. */
import { rm, rmdir } from "node:fs/promises";
import type { FileEntry, FileRefusal } from "@hhopkins/agent-runtime-protocol";
import { putEntry } from "./put.ts";
import { hasCode, statOf } from "./scan.ts";

/** Writes a file with the mode that it has there, if any. Answers why not, or undefined. */
export async function writeByHand(root: string, file: FileEntry, bytes: Buffer): Promise<FileRefusal | undefined> {
  const refused = refusedAbove(root, file.path);
  if (refused !== undefined) return refused;
  const stats = statOf(`${root}/${file.path}`);
  if (stats?.isDirectory() === true) return "folder";
  if (stats?.isSymbolicLink() === true) return "symlink";
  const mode = stats === null ? {} : { mode: Number(stats.mode) & 0o777 };
  return unlessDenied(() => putEntry(root, { ...file, ...mode }, bytes));
}

/** Removes a file, a symlink or an empty folder. Answers why not, or undefined. */
export async function removeByHand(root: string, path: string): Promise<FileRefusal | undefined> {
  const stats = refusedAbove(root, path) === undefined ? statOf(`${root}/${path}`) : null;
  if (stats === null) return "missing";
  return unlessDenied(() => (stats.isDirectory() ? rmdir(`${root}/${path}`) : rm(`${root}/${path}`)));
}

/** Why nothing can lie at the path; what is not there yet is in nobody's way. */
function refusedAbove(root: string, path: string): FileRefusal | undefined {
  const parts = path.split("/").slice(0, -1);
  let folder = root;
  for (const part of parts) {
    folder = `${folder}/${part}`;
    const stats = statOf(folder);
    if (stats === null) return undefined;
    if (stats.isSymbolicLink()) return "below_symlink";
    if (!stats.isDirectory()) return "below_file";
  }
  return undefined;
}

async function unlessDenied(work: () => Promise<unknown>): Promise<FileRefusal | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (hasCode(error, "EACCES", "EPERM", "EROFS")) return "denied";
    if (hasCode(error, "ENOTEMPTY", "EEXIST")) return "folder";
    if (hasCode(error, "ENOENT")) return "missing";
    throw error;
  }
}
