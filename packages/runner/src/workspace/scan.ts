import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import type { BigIntStats, Dirent } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { isWorkspacePath } from "@hhopkins/agent-runtime-protocol";

/** What `lstat` says of an entry. */
export interface Identity {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  /** Every write moves it, and unlike `mtime` nobody can set it. */
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly mode: number;
}

export type Seen =
  | { readonly type: "file" | "directory"; readonly identity: Identity }
  | { readonly type: "symlink"; readonly target: string; readonly identity: Identity };

export interface Scan {
  /** Files, symlinks, and directories without tracked content, by path. */
  readonly seen: Map<string, Seen>;
  /** Every directory that was looked into, "" for the workspace. */
  readonly directories: Set<string>;
  /** Directories that could not be looked into: nothing is known of what is below. */
  readonly unreadable: Set<string>;
  /** Entries whose names cannot be a workspace path. */
  readonly skipped: number;
}

export interface ScanOptions {
  readonly root: string;
  /** Names of directories that are left out, at any depth. */
  readonly ignore: ReadonlySet<string>;
  /** Called with each directory before it is read, so that a watch misses nothing; `inode` tells it from an earlier one. */
  readonly onDirectory?: (path: string, inode: bigint) => void;
}

/** A synchronous `lstat` costs microseconds, an asynchronous one many; so the walk is synchronous in small portions. */
const PORTION = 256;

/** Walks the workspace. Symlinks are listed and never followed; sockets, pipes and devices are left out. */
export async function scanWorkspace(options: ScanOptions): Promise<Scan> {
  const { root, ignore, onDirectory } = options;
  const scan = {
    seen: new Map<string, Seen>(),
    directories: new Set<string>(),
    unreadable: new Set<string>(),
    skipped: 0,
  };
  const todo = [{ folder: "", inode: statOf(root)?.ino ?? 0n }];
  let looked = 0;
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { folder, inode } = next;
    onDirectory?.(folder, inode);
    const entries = readFolder(folder === "" ? root : `${root}/${folder}`);
    if (entries === null) {
      scan.unreadable.add(folder);
      continue;
    }
    scan.directories.add(folder);
    let tracked = 0;
    for (const entry of entries) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && ignore.has(entry.name)) continue;
      const found = look(root, path);
      if (found === "invalid") scan.skipped++;
      if (found === "invalid" || found === null) continue;
      tracked++;
      if (found.type === "directory") todo.push({ folder: path, inode: found.identity.ino });
      else scan.seen.set(path, found);
      if (++looked % PORTION === 0) await setImmediate();
    }
    if (tracked === 0 && folder !== "") keepEmpty(scan.seen, root, folder);
  }
  return scan;
}

function readFolder(folder: string): Dirent[] | null {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    // Gone since its parent was read: it has no entries.
    return hasCode(error, "ENOENT", "ENOTDIR") ? [] : null;
  }
}

function keepEmpty(seen: Map<string, Seen>, root: string, folder: string): void {
  const found = look(root, folder);
  if (found !== null && found !== "invalid" && found.type === "directory") seen.set(folder, found);
}

/** null: gone, or of a type that is not tracked. */
function look(root: string, path: string): Seen | "invalid" | null {
  if (!isWorkspacePath(path)) return "invalid";
  const stats = statOf(`${root}/${path}`);
  // A name that is not UTF-8 comes with replacement characters, and no file has that name.
  if (stats === null) return path.includes("\ufffd") ? "invalid" : null;
  const identity = identityOf(stats);
  if (stats.isFile()) return { type: "file", identity };
  if (stats.isDirectory()) return { type: "directory", identity };
  if (!stats.isSymbolicLink()) return null;
  try {
    return { type: "symlink", target: readlinkSync(`${root}/${path}`), identity };
  } catch {
    return null;
  }
}

/** `lstat` with nanoseconds; null where there is nothing, or nothing that can be reached. */
export function statOf(file: string): BigIntStats | null {
  try {
    return lstatSync(file, { bigint: true });
  } catch {
    return null;
  }
}

export function identityOf(stats: BigIntStats): Identity {
  const { size, mtimeNs, ctimeNs, ino } = stats;
  return { size, mtimeNs, ctimeNs, ino, mode: Number(stats.mode) & 0o7777 };
}

/** Whether nobody wrote in between, nor changed anything else. */
export function isUntouched(a: Identity, b: Identity): boolean {
  return a.size === b.size && a.ctimeNs === b.ctimeNs && a.ino === b.ino;
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
