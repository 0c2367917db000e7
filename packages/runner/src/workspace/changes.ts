import type { FileEntry } from "@hhopkins/agent-runtime-protocol";
import { isUntouched } from "./scan.ts";
import type { Identity, Scan, Seen } from "./scan.ts";

/** An entry as the server knows it, and what `lstat` said when that became true. */
export interface Known {
  readonly entry: FileEntry;
  readonly identity: Identity;
  /** Its bytes were not sent. */
  readonly omitted: boolean;
  /** It was written so shortly before it was read that a later write may have left the same time stamp. */
  readonly fresh: boolean;
}

export interface Changes {
  readonly deleted: string[];
  readonly changed: { readonly path: string; readonly seen: Seen }[];
}

/** What differs between a scan and what is known, sorted by path. */
export function changesOf(scan: Scan, known: ReadonlyMap<string, Known>): Changes {
  const deleted: string[] = [];
  for (const path of known.keys()) {
    if (!scan.seen.has(path) && !liesBelow(path, scan.unreadable)) deleted.push(path);
  }
  const changed: Changes["changed"] = [];
  for (const [path, seen] of scan.seen) {
    const before = known.get(path);
    if (before === undefined || differs(before, seen)) changed.push({ path, seen });
  }
  return { deleted: deleted.toSorted(), changed: changed.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
}

function differs(before: Known, seen: Seen): boolean {
  if ((before.entry.type ?? "file") !== seen.type) return true;
  if (seen.type === "symlink") return before.entry.target !== seen.target;
  if (before.identity.mode !== seen.identity.mode) return true;
  return seen.type === "file" && (before.fresh || !isUntouched(before.identity, seen.identity));
}

function liesBelow(path: string, folders: ReadonlySet<string>): boolean {
  if (folders.size === 0) return false;
  if (folders.has("") || folders.has(path)) return true;
  for (let at = path.lastIndexOf("/"); at !== -1; at = path.lastIndexOf("/", at - 1)) {
    if (folders.has(path.slice(0, at))) return true;
    if (at === 0) break;
  }
  return false;
}
