import type { FileNode } from "@hhopkins/agent-runtime-react";

/** A node that is in view when all above it are open. */
export interface TreeRow {
  readonly node: FileNode;
  /** 1 at the root. */
  readonly level: number;
  /** Undefined: it is no folder. */
  readonly isOpen: boolean | undefined;
  /** The place of the folder that it lies in, among the rows; undefined at the root. */
  readonly parent: number | undefined;
}

/** A tree as rows, those of folders that are open. */
export function treeRows(tree: readonly FileNode[], isOpen: (path: string) => boolean): readonly TreeRow[] {
  const rows: TreeRow[] = [];
  const add = (nodes: readonly FileNode[], level: number, parent: number | undefined): void => {
    for (const node of nodes) {
      const open = node.children === undefined ? undefined : isOpen(node.path);
      rows.push({ node, level, isOpen: open, parent });
      if (open === true) add(node.children ?? [], level + 1, rows.length - 1);
    }
  };
  add(tree, 1, undefined);
  return rows;
}

/** What a key does in a tree, as people know it: `go` to a row, `open` or `close` a folder, `select` a file. */
export type TreeMove = { readonly go: number } | { readonly toggle: string } | { readonly select: string };

export function treeMove(key: string, rows: readonly TreeRow[], at: number): TreeMove | undefined {
  const row = rows[at];
  if (row === undefined) return rows.length === 0 ? undefined : { go: 0 };
  const { node, isOpen, parent } = row;
  switch (key) {
    case "ArrowDown":
      return at + 1 < rows.length ? { go: at + 1 } : undefined;
    case "ArrowUp":
      return at > 0 ? { go: at - 1 } : undefined;
    case "Home":
      return { go: 0 };
    case "End":
      return { go: rows.length - 1 };
    case "ArrowRight":
      if (isOpen === undefined) return undefined;
      return isOpen ? { go: Math.min(at + 1, rows.length - 1) } : { toggle: node.path };
    case "ArrowLeft":
      if (isOpen === true) return { toggle: node.path };
      return parent === undefined ? undefined : { go: parent };
    case "Enter":
    case " ":
      return isOpen === undefined ? { select: node.path } : { toggle: node.path };
    default:
      return key.length === 1 ? typed(key, rows, at) : undefined;
  }
}

/** The next row whose name begins with a letter. */
function typed(key: string, rows: readonly TreeRow[], at: number): TreeMove | undefined {
  const letter = key.toLowerCase();
  for (let step = 1; step <= rows.length; step += 1) {
    const place = (at + step) % rows.length;
    if (rows[place]?.node.name.toLowerCase().startsWith(letter) === true) return { go: place };
  }
  return undefined;
}

/** The folders that a path lies in, the outermost first. */
export function foldersOf(path: string): readonly string[] {
  const names = path.split("/");
  return names.slice(0, -1).map((_, index) => names.slice(0, index + 1).join("/"));
}
