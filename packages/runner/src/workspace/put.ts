import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { chmod, mkdir, open, readlink, rename, rm, symlink } from "node:fs/promises";
import { posix } from "node:path";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { FileEntry } from "@hhopkins/agent-runtime-protocol";
import { identityOf, statOf } from "./scan.ts";
import type { Seen } from "./scan.ts";

const DEFAULT_FILE_MODE = 0o644;
const DEFAULT_DIRECTORY_MODE = 0o755;
const TEMPORARY = ".agent-runtime-put";

/**
 * Puts one whole entry into the workspace and answers what `lstat` says of it then. Nothing is written through a
 * symlink, neither as a parent nor as the target. Throws `invalid_request` that names the path.
 */
export async function putEntry(root: string, entry: FileEntry, bytes: Buffer): Promise<Seen> {
  const file = `${root}/${entry.path}`;
  await makeParents(root, entry.path);
  switch (entry.type ?? "file") {
    case "directory":
      await putDirectory(file, entry);
      break;
    case "symlink":
      await putSymlink(file, entry);
      break;
    case "file":
      await putFile(file, entry, bytes);
      break;
  }
  const stats = statOf(file);
  if (stats === null) throw new RuntimeError("conflict", `${entry.path} was removed while it was put.`);
  const identity = identityOf(stats);
  if (stats.isSymbolicLink()) return { type: "symlink", target: await readlink(file), identity };
  return { type: stats.isDirectory() ? "directory" : "file", identity };
}

async function makeParents(root: string, path: string): Promise<void> {
  const parts = path.split("/").slice(0, -1);
  let folder = root;
  for (const part of parts) {
    folder = `${folder}/${part}`;
    const stats = statOf(folder);
    if (stats === null) await mkdir(folder, { mode: DEFAULT_DIRECTORY_MODE });
    else if (stats.isSymbolicLink()) throw refused(path, "a symlink stands in its way");
    else if (!stats.isDirectory()) throw refused(path, "a file stands in its way");
  }
}

async function putDirectory(file: string, entry: FileEntry): Promise<void> {
  const stats = statOf(file);
  if (stats === null) await mkdir(file);
  else if (!stats.isDirectory()) throw refused(entry.path, "something else has its name");
  await chmod(file, entry.mode ?? DEFAULT_DIRECTORY_MODE);
}

async function putSymlink(file: string, entry: FileEntry): Promise<void> {
  const { target } = entry;
  if (target === undefined || target === "") throw refused(entry.path, "a symlink needs a target");
  // Where it leads does not matter: it is text that was there before, and nothing here ever follows it.
  if (target.includes("\0")) throw refused(entry.path, "its target contains NUL");
  refuseDirectory(file, entry.path);
  const temporary = await freshName(file);
  await symlink(target, temporary);
  await rename(temporary, file);
}

async function putFile(file: string, entry: FileEntry, bytes: Buffer): Promise<void> {
  if (entry.sha256 !== undefined && createHash("sha256").update(bytes).digest("hex") !== entry.sha256) {
    throw refused(entry.path, "its bytes do not have the given SHA-256");
  }
  refuseDirectory(file, entry.path);
  const temporary = await freshName(file);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const handle = await open(temporary, flags, 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.chmod(entry.mode ?? DEFAULT_FILE_MODE);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

async function freshName(file: string): Promise<string> {
  const temporary = posix.join(posix.dirname(file), TEMPORARY);
  await rm(temporary, { force: true, recursive: true });
  return temporary;
}

function refuseDirectory(file: string, path: string): void {
  if (statOf(file)?.isDirectory() === true) throw refused(path, "a directory has its name");
}

function refused(path: string, reason: string): RuntimeError {
  return new RuntimeError("invalid_request", `${path} cannot be put: ${reason}.`, { field: "file.path" });
}
