import type { EventDraft, FileEntry, WorkspaceFile } from "@hhopkins/agent-runtime-protocol";

/** How the files that are kept differ from those that the log tells of. */
export interface FileChanges {
  readonly changed: readonly { readonly type: "session:file:created" | "session:file:modified"; entry: FileEntry }[];
  readonly deleted: readonly string[];
}

export function fileChanges(told: readonly FileEntry[], kept: readonly FileEntry[]): FileChanges {
  const before = new Map(told.map((file) => [file.path, file]));
  const paths = new Set(kept.map(({ path }) => path));
  return {
    changed: kept.flatMap((entry) => {
      const known = before.get(entry.path);
      if (known === undefined) return { type: "session:file:created" as const, entry };
      return isSame(known, entry) ? [] : { type: "session:file:modified" as const, entry };
    }),
    deleted: told.map(({ path }) => path).filter((path) => !paths.has(path)),
  };
}

export function deletedFiles(sessionId: string, { deleted }: FileChanges): EventDraft[] {
  return deleted.map((path) => ({ type: "session:file:deleted", data: { sessionId, path } }));
}

function isSame(a: FileEntry, b: FileEntry): boolean {
  return (
    (a.type ?? "file") === (b.type ?? "file") && a.sha256 === b.sha256 && a.target === b.target && a.mode === b.mode
  );
}

/** A file as its event carries it. */
export function eventFile(entry: FileEntry, content: string | undefined): WorkspaceFile {
  if (content !== undefined) return { ...entry, content, encoding: "utf8" };
  return (entry.type ?? "file") === "file" ? { ...entry, truncated: true } : entry;
}
