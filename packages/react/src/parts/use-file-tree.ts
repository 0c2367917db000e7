import { ClientError } from "@hhopkins/agent-runtime-client";
import type { WorkspaceFile } from "@hhopkins/agent-runtime-protocol";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useWorkspaceFiles } from "../use-workspace-files.ts";
import { fileTree, type FileNode } from "./file-tree.ts";

/** What a file that was selected contains. */
export interface FileContent {
  /** Undefined while it loads, and where it is no text. */
  readonly text: string | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly isLoading: boolean;
  readonly error: ClientError | undefined;
}

export interface UseFileTree {
  readonly tree: readonly FileNode[];
  readonly isOpen: (path: string) => boolean;
  /** Opens a folder, or closes it. */
  readonly toggle: (path: string) => void;
  /** The file that was selected; undefined when it is gone. */
  readonly selected: WorkspaceFile | undefined;
  readonly select: (path: string | undefined) => void;
  readonly content: FileContent;
}

interface Loaded {
  readonly file: WorkspaceFile;
  readonly bytes?: Uint8Array;
  readonly error?: ClientError;
}

/** A session's files as a tree to click through, and the content of the one that was selected; both live. */
export function useFileTree(sessionId: string | undefined): UseFileTree {
  const { files, getFile, readFile } = useWorkspaceFiles(sessionId);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [path, select] = useState<string>();
  const [loaded, setLoaded] = useState<Loaded>();
  const selected = path === undefined ? undefined : getFile(path);
  const fetched = selected !== undefined && selected.content === undefined ? selected : undefined;
  useEffect(() => {
    if (fetched === undefined) return undefined;
    let isWanted = true;
    const put = (more: Omit<Loaded, "file">): void => {
      if (isWanted) setLoaded({ file: fetched, ...more });
    };
    readFile(fetched.path).then(
      (bytes) => put({ bytes }),
      (error: unknown) =>
        put({ error: error instanceof ClientError ? error : new ClientError("failed", String(error)) }),
    );
    return () => {
      isWanted = false;
    };
  }, [fetched, readFile]);
  return {
    tree: useMemo(() => fileTree(files), [files]),
    isOpen: (folder) => open.has(folder),
    toggle: useCallback((folder: string) => setOpen((before) => toggled(before, folder)), []),
    selected,
    select,
    content: useMemo(() => contentOf(selected, loaded), [selected, loaded]),
  };
}

function contentOf(file: WorkspaceFile | undefined, loaded: Loaded | undefined): FileContent {
  const none = { text: undefined, bytes: undefined, isLoading: false, error: undefined };
  if (file === undefined) return none;
  if (file.content !== undefined && file.encoding !== "base64") return { ...none, text: file.content };
  if (file.content !== undefined)
    return { ...none, bytes: Uint8Array.from(atob(file.content), (c) => c.charCodeAt(0)) };
  if (loaded?.file !== file) return { ...none, isLoading: true };
  const { bytes, error } = loaded;
  return { ...none, bytes, text: bytes === undefined ? undefined : textOf(bytes), error };
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function toggled(open: ReadonlySet<string>, path: string): ReadonlySet<string> {
  const next = new Set(open);
  if (!next.delete(path)) next.add(path);
  return next;
}
