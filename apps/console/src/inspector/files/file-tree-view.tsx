import type { FileNode } from "@hhopkins/agent-runtime-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { clsx } from "clsx";
import { ChevronRight, File, FileSymlink, Folder, FolderOpen } from "lucide-react";
import { useId, useMemo, useRef, useState } from "react";
import type { KeyboardEvent } from "react";
import { visibleName } from "../../ui/visible-name.ts";
import type { FileChange } from "./file-changes.ts";
import { treeMove, treeRows, type TreeRow } from "./tree-rows.ts";

const ROW = 26;

export interface FileTreeViewProps {
  readonly tree: readonly FileNode[];
  readonly isOpen: (path: string) => boolean;
  readonly onToggle: (path: string) => void;
  readonly selected: string | undefined;
  readonly onSelect: (path: string) => void;
  /** Where one is in the tree: a file or a folder. */
  readonly onActive: (path: string) => void;
  readonly changes: ReadonlyMap<string, FileChange>;
}

/** Files in folders; only the rows in view are in the page. One place of it has the focus, and keys move that. */
export function FileTreeView(props: FileTreeViewProps) {
  const { tree, isOpen, onToggle, selected, onSelect, onActive, changes } = props;
  const rows = useMemo(() => treeRows(tree, isOpen), [tree, isOpen]);
  const [active, setActive] = useState<string>();
  const scroller = useRef<HTMLDivElement>(null);
  const id = useId();
  const view = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const at = rows.findIndex(({ node }) => node.path === (active ?? selected));
  const go = (path: string): void => {
    setActive(path);
    onActive(path);
  };
  const press = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = treeMove(event.key, rows, at);
    if (move === undefined) return;
    event.preventDefault();
    // Its keys are its own, and no shortcuts of the page.
    event.stopPropagation();
    if ("toggle" in move) onToggle(move.toggle);
    else if ("select" in move) onSelect(move.select);
    else {
      view.scrollToIndex(move.go);
      go(rows[move.go]?.node.path ?? "");
    }
  };
  return (
    <div
      ref={scroller}
      role="tree"
      aria-label="Files"
      tabIndex={0}
      aria-activedescendant={at < 0 ? undefined : `${id}-${at}`}
      onKeyDown={press}
      className="group/tree min-h-0 flex-1 overflow-auto py-1 outline-offset-[-2px]"
    >
      <div role="presentation" className="relative" style={{ height: view.getTotalSize() }}>
        {view.getVirtualItems().map(({ index, start }) => {
          const row = rows[index];
          if (row === undefined) return null;
          const { path } = row.node;
          return (
            <TreeItem
              key={path}
              id={`${id}-${index}`}
              row={row}
              top={start}
              change={changes.get(path)}
              isActive={index === at}
              isSelected={path === selected}
              onClick={() => {
                go(path);
                if (row.isOpen === undefined) onSelect(path);
                else onToggle(path);
              }}
            />
          );
        })}
      </div>
    </div>
  );
}

interface TreeItemProps {
  readonly id: string;
  readonly row: TreeRow;
  /** Pixels. */
  readonly top: number;
  readonly change: FileChange | undefined;
  readonly isActive: boolean;
  readonly isSelected: boolean;
  readonly onClick: () => void;
}

const MARKS = {
  added: { letter: "A", tone: "text-good" },
  modified: { letter: "M", tone: "text-warn" },
  deleted: { letter: "D", tone: "text-bad" },
} as const;

function TreeItem({ id, row, top, change, isActive, isSelected, onClick }: TreeItemProps) {
  const { node, level, isOpen } = row;
  const mark = change === undefined ? undefined : MARKS[change];
  return (
    <div
      id={id}
      role="treeitem"
      aria-level={level}
      aria-expanded={isOpen}
      aria-selected={isSelected}
      onClick={onClick}
      style={{ height: ROW, transform: `translateY(${top}px)`, paddingLeft: 8 + (level - 1) * 14 }}
      className={clsx(
        "absolute inset-x-0 top-0 flex cursor-default items-center gap-1.5 pr-3 [&_svg]:size-4 [&_svg]:shrink-0",
        isSelected ? "bg-accent/15" : "hover:bg-raised",
        isActive &&
          "group-focus-visible/tree:outline-2 group-focus-visible/tree:-outline-offset-2 group-focus-visible/tree:outline-accent",
      )}
    >
      <ChevronRight
        aria-hidden
        className={clsx("text-muted", isOpen === undefined && "invisible", isOpen === true && "rotate-90")}
      />
      <Icon row={row} />
      <bdi className={clsx("truncate", change === "deleted" && "line-through")}>{visibleName(node.name)}</bdi>
      {mark !== undefined && (
        <span className={clsx("ml-auto shrink-0 pl-2 font-mono text-xs font-semibold", mark.tone)} title={change}>
          <span aria-hidden>{mark.letter}</span>
          <span className="sr-only">{change}</span>
        </span>
      )}
    </div>
  );
}

function Icon({ row: { node, isOpen } }: { readonly row: TreeRow }) {
  if (isOpen === true) return <FolderOpen aria-hidden className="text-muted" />;
  if (isOpen === false) return <Folder aria-hidden className="text-muted" />;
  if (node.file?.type === "symlink") return <FileSymlink aria-hidden className="text-muted" />;
  return <File aria-hidden className="text-muted" />;
}
