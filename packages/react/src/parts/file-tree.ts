import type { WorkspaceFile } from "@hhopkins/agent-runtime-protocol";

/** A name in a folder. */
export interface FileNode {
  readonly name: string;
  /** From the workspace's root; unique. */
  readonly path: string;
  /** Undefined where only what lies in it is known. */
  readonly file: WorkspaceFile | undefined;
  /** Folders first, each kind by name. Undefined: it is no folder. */
  readonly children: readonly FileNode[] | undefined;
}

interface Folder {
  readonly folders: Map<string, Folder>;
  readonly files: Map<string, WorkspaceFile>;
  own: WorkspaceFile | undefined;
}

/** Files, which have paths, as folders in folders. */
export function fileTree(files: readonly WorkspaceFile[]): readonly FileNode[] {
  const root = emptyFolder();
  for (const file of files) put(root, file);
  return nodesOf(root, "");
}

function emptyFolder(): Folder {
  // Names are anything: a map takes them all.
  return { folders: new Map(), files: new Map(), own: undefined };
}

function put(root: Folder, file: WorkspaceFile): void {
  const names = file.path.split("/");
  const last = names.pop() ?? "";
  const folder = names.reduce(folderIn, root);
  if (file.type === "directory") folderIn(folder, last).own = file;
  else folder.files.set(last, file);
}

function folderIn(folder: Folder, name: string): Folder {
  const known = folder.folders.get(name) ?? emptyFolder();
  folder.folders.set(name, known);
  return known;
}

function nodesOf({ folders, files }: Folder, above: string): readonly FileNode[] {
  const inner = Array.from(folders, ([name, folder]): FileNode => {
    const path = `${above}${name}`;
    return { name, path, file: folder.own, children: nodesOf(folder, `${path}/`) };
  });
  const leaves = Array.from(files, ([name, file]): FileNode => ({ name, path: file.path, file, children: undefined }));
  return [...inner.sort(byName), ...leaves.sort(byName)];
}

function byName(a: FileNode, b: FileNode): number {
  return a.name.localeCompare(b.name);
}
