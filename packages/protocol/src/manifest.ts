import type { FileEntry } from "./files.ts";

/**
 * The text whose SHA-256 is a workspace's manifest hash: one line a path, sorted by code units, with type, mode and
 * content (sha256 of a file's bytes, a symlink's target, nothing for a directory), fields separated by NUL.
 * Server and runner compute it apart and compare, before a sandbox is ended.
 */
export function manifestText(entries: Iterable<FileEntry>): string {
  const lines: string[] = [];
  for (const entry of entries) {
    const type = entry.type ?? "file";
    const content = type === "file" ? (entry.sha256 ?? "") : type === "symlink" ? (entry.target ?? "") : "";
    lines.push([entry.path, type, String(entry.mode ?? 0), content].join("\0"));
  }
  return lines.toSorted().join("\n");
}
