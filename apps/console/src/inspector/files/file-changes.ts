import type { FileEntry } from "@hhopkins/agent-runtime-protocol";

export type FileChange = "added" | "modified" | "deleted";

/** What became of the files that a session began with, by path. */
export function fileChanges(before: readonly FileEntry[], now: readonly FileEntry[]): ReadonlyMap<string, FileChange> {
  const changes = new Map<string, FileChange>();
  const then = new Map(before.filter(isNoFolder).map((file) => [file.path, file]));
  for (const file of now) {
    if (!isNoFolder(file)) continue;
    const old = then.get(file.path);
    if (old === undefined) changes.set(file.path, "added");
    else if (!isSame(old, file)) changes.set(file.path, "modified");
    then.delete(file.path);
  }
  for (const path of then.keys()) changes.set(path, "deleted");
  return changes;
}

function isNoFolder({ type }: FileEntry): boolean {
  return type !== "directory";
}

function isSame(a: FileEntry, b: FileEntry): boolean {
  if ((a.type ?? "file") !== (b.type ?? "file") || a.target !== b.target) return false;
  if (a.sha256 !== undefined && b.sha256 !== undefined) return a.sha256 === b.sha256;
  return a.size === b.size && a.modifiedAt === b.modifiedAt;
}
