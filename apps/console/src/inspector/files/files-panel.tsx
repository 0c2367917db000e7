import type { WorkspaceFile } from "@hhopkins/agent-runtime-protocol";
import { fileTree, useAgentService, useWorkspaceFiles } from "@hhopkins/agent-runtime-react";
import { FolderDown, FolderOpen, Search, Upload } from "lucide-react";
import { useCallback, useDeferredValue, useMemo, useRef, useState } from "react";
import type { DragEvent } from "react";
import { useLocation } from "wouter";
import { usePast } from "../../past/past.tsx";
import { usePastControls } from "../../past/past-controls.ts";
import { withSeq } from "../../past/seq-of-address.ts";
import { paths } from "../../routes.ts";
import { Button } from "../../ui/button.tsx";
import { Confirm } from "../../ui/confirm.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { Input } from "../../ui/input.tsx";
import { saveFile } from "../../ui/save-file.ts";
import { useToast } from "../../ui/toast.tsx";
import { visibleName } from "../../ui/visible-name.ts";
import type { FileChange } from "./file-changes.ts";
import { FileTreeView } from "./file-tree-view.tsx";
import { FileView } from "./file-view.tsx";
import { foldersOf } from "./tree-rows.ts";
import { useStartFiles } from "./use-start-files.ts";
import { useUpload } from "./use-upload.tsx";
import { errorText } from "../../ui/error-text.ts";

export interface FilesPanelProps {
  readonly sessionId: string;
  /** The file of the address. */
  readonly path: string | undefined;
}

/** The workspace: its files as a tree, and the one that is open. */
export function FilesPanel({ sessionId, path }: FilesPanelProps) {
  const isPast = usePast() !== undefined;
  const { seq } = usePastControls();
  const { files, getFile, deleteFile } = useWorkspaceFiles(sessionId);
  const { first, changes, error } = useStartFiles(sessionId, files);
  const [, navigate] = useLocation();
  const [find, setFind] = useState("");
  const [onlyChanged, setOnlyChanged] = useState(false);
  const [folder, setFolder] = useState("");
  const [isDeleting, setDeleting] = useState(false);
  const wanted = useDeferredValue(find.trim().toLowerCase());
  const listed = useMemo(
    () => listedFiles(files, changes, { wanted, onlyChanged }),
    [files, changes, wanted, onlyChanged],
  );
  const tree = useMemo(() => fileTree(listed), [listed]);
  const { isOpen, toggle } = useOpenFolders(path, wanted !== "" || onlyChanged);
  const upload = useUpload(sessionId, folder);
  const open = (next: string | undefined): void => navigate(withSeq(paths.panel(sessionId, "files", next), seq));
  const file = path === undefined ? undefined : getFile(path);
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    if (!isPast) upload.take([...event.dataTransfer.files]);
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <div className="flex items-center gap-1 border-b px-3 py-2">
        <span className="relative min-w-0 flex-1">
          <Search aria-hidden className="absolute top-2 left-2 size-4 text-muted" />
          <Input
            type="search"
            aria-label="Find files"
            placeholder="Find"
            className="pl-7"
            value={find}
            onChange={(event) => setFind(event.currentTarget.value)}
          />
        </span>
        <Button
          tone={onlyChanged ? "plain" : "ghost"}
          aria-pressed={onlyChanged}
          title="Only what changed since the session's start"
          onClick={() => setOnlyChanged(!onlyChanged)}
        >
          Changed{changes.size > 0 && ` ${changes.size}`}
        </Button>
        {!isPast && <UploadButton folder={folder} onTake={upload.take} isBusy={upload.isBusy} />}
        <DownloadAll sessionId={sessionId} isEmpty={files.length === 0} />
      </div>
      {error !== undefined && (
        <p className="border-b px-3 py-1 text-xs text-muted">What changed is not known: {error}</p>
      )}
      {listed.length === 0 ? (
        <EmptyState icon={<FolderOpen />} title={files.length === 0 ? "No files yet" : "None of the files"}>
          {files.length === 0 && !isPast && <p>What the agent writes shows here. Drop files here to give it some.</p>}
        </EmptyState>
      ) : (
        <FileTreeView
          tree={tree}
          isOpen={isOpen}
          onToggle={toggle}
          selected={path}
          onSelect={open}
          onActive={(active) => setFolder(folderAt(active, getFile))}
          changes={changes}
        />
      )}
      {path !== undefined && (file !== undefined || first.has(path)) && (
        <FileView
          key={path}
          sessionId={sessionId}
          path={path}
          file={file}
          first={first.get(path)}
          change={changes.get(path)}
          onDelete={isPast ? undefined : () => setDeleting(true)}
          onClose={() => open(undefined)}
        />
      )}
      {path !== undefined && file === undefined && !first.has(path) && (
        <p role="status" className="border-t p-3 text-muted">
          There is no file {visibleName(path)}
          {isPast && " at this place of the log"}.
        </p>
      )}
      {path !== undefined && (
        <Confirm
          open={isDeleting}
          onOpenChange={setDeleting}
          title={`Delete ${visibleName(path)}?`}
          action="Delete"
          danger
          onConfirm={() => deleteFile(path)}
        >
          The agent does not have it any more. The log keeps what was in it.
        </Confirm>
      )}
      {upload.dialog}
    </div>
  );
}

interface Listing {
  readonly wanted: string;
  readonly onlyChanged: boolean;
}

function listedFiles(
  files: readonly WorkspaceFile[],
  changes: ReadonlyMap<string, FileChange>,
  { wanted, onlyChanged }: Listing,
): readonly WorkspaceFile[] {
  const gone: WorkspaceFile[] = [...changes].filter(([, change]) => change === "deleted").map(([path]) => ({ path }));
  const all = onlyChanged ? [...files.filter(({ path }) => changes.has(path)), ...gone] : files;
  if (wanted === "") return all;
  return all.filter(({ path, type }) => type !== "directory" && path.toLowerCase().includes(wanted));
}

function folderAt(path: string, getFile: (path: string) => WorkspaceFile | undefined): string {
  const file = getFile(path);
  if (file === undefined || file.type === "directory") return path;
  return foldersOf(path).at(-1) ?? "";
}

/** Which folders are open: those that were opened, and those above the file of the address; all where few are listed. */
function useOpenFolders(path: string | undefined, isNarrowed: boolean) {
  const [changed, setChanged] = useState<ReadonlyMap<string, boolean>>(new Map());
  const above = useMemo(() => new Set(path === undefined ? [] : foldersOf(path)), [path]);
  const isOpen = useCallback(
    (folder: string) => changed.get(folder) ?? (isNarrowed || above.has(folder)),
    [changed, isNarrowed, above],
  );
  const toggle = useCallback(
    (folder: string) => setChanged((before) => new Map(before).set(folder, !isOpen(folder))),
    [isOpen],
  );
  return { isOpen, toggle };
}

interface UploadButtonProps {
  readonly folder: string;
  readonly onTake: (files: readonly File[]) => void;
  readonly isBusy: boolean;
}

function UploadButton({ folder, onTake, isBusy }: UploadButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  const label = `Upload files into ${folder === "" ? "the workspace" : visibleName(folder)}`;
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={label}
        onChange={({ currentTarget }) => {
          onTake([...(currentTarget.files ?? [])]);
          currentTarget.value = "";
        }}
      />
      <Button
        tone="ghost"
        icon
        aria-label={label}
        title={label}
        disabled={isBusy}
        onClick={() => input.current?.click()}
      >
        <Upload />
      </Button>
    </>
  );
}

function DownloadAll({ sessionId, isEmpty }: { readonly sessionId: string; readonly isEmpty: boolean }) {
  const { client } = useAgentService();
  const toast = useToast();
  const [isBusy, setBusy] = useState(false);
  const download = async (): Promise<void> => {
    setBusy(true);
    try {
      const bytes = await new Response(await client.readArchive(sessionId)).blob();
      saveFile(`${sessionId}.zip`, bytes);
    } catch (error) {
      toast(errorText(error), { tone: "bad" });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button
      tone="ghost"
      icon
      aria-label="Download all files as they are now"
      title="Download all, as they are now"
      disabled={isBusy || isEmpty}
      onClick={() => void download()}
    >
      <FolderDown />
    </Button>
  );
}
