import type { FileEntry, WorkspaceFile } from "@hhopkins/agent-runtime-protocol";
import { Download, Trash2, X } from "lucide-react";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { Button } from "../../ui/button.tsx";
import { sizeText } from "../../ui/format.ts";
import { saveFile } from "../../ui/save-file.ts";
import { useToast } from "../../ui/toast.tsx";
import { visibleName } from "../../ui/visible-name.ts";
import type { FileChange } from "./file-changes.ts";
import { downloadName, fileKind } from "./file-kind.ts";
import { FileText } from "./file-text.tsx";
import { useFileBytes, useFirstBytes } from "./use-file-bytes.ts";

const FileDiff = lazy(() => import("./file-diff.tsx").then(({ FileDiff }) => ({ default: FileDiff })));

/** Larger files are fetched when that is asked for. */
const BY_ITSELF = 2_000_000;

export interface FileViewProps {
  readonly sessionId: string;
  /** What there is now; undefined: it is gone, and `first` tells what there was. */
  readonly file: WorkspaceFile | undefined;
  /** What the session began with at this path. */
  readonly first: FileEntry | undefined;
  readonly path: string;
  readonly change: FileChange | undefined;
  /** Undefined: it cannot be deleted. */
  readonly onDelete: (() => void) | undefined;
  readonly onClose: () => void;
}

/** One file: what is in it, and what became of it since the start. */
export function FileView(props: FileViewProps) {
  const { sessionId, file, first, path, change, onDelete, onClose } = props;
  const [isDiff, setDiff] = useState(false);
  const [asked, setAsked] = useState<string>();
  const isRegular = file !== undefined && (file.type ?? "file") === "file";
  const isLarge = isRegular && (file.size ?? 0) > BY_ITSELF && asked !== path;
  const { bytes, error } = useFileBytes(sessionId, file, isRegular && !isLarge);
  const toast = useToast();
  const showsDiff = change !== undefined && (isDiff || file === undefined);
  const download = (): void => {
    if (bytes !== undefined) saveFile(downloadName(path), bytes);
    else toast("The file is still being fetched: download it again in a moment.");
  };
  return (
    <section aria-label="File" className="flex min-h-0 flex-[2] flex-col border-t">
      <header className="flex items-center gap-1 border-b py-1 pr-1 pl-3">
        <h2 className="min-w-0 flex-1 truncate font-mono text-xs font-semibold" title={visibleName(path)}>
          <bdi>{visibleName(path)}</bdi>
          {file?.size !== undefined && (
            <span className="ml-2 font-sans font-normal text-muted">{sizeText(file.size)}</span>
          )}
        </h2>
        {change !== undefined && file !== undefined && (
          <Button tone="ghost" className="h-7 px-2" aria-pressed={isDiff} onClick={() => setDiff(!isDiff)}>
            {isDiff ? "Content" : "Changes"}
          </Button>
        )}
        {isRegular && (
          <Button
            tone="ghost"
            icon
            className="size-7"
            aria-label="Download this file"
            title="Download"
            onClick={isLarge ? () => setAsked(path) : download}
          >
            <Download />
          </Button>
        )}
        {onDelete !== undefined && file !== undefined && (
          <Button tone="ghost" icon className="size-7" aria-label="Delete this file" title="Delete" onClick={onDelete}>
            <Trash2 />
          </Button>
        )}
        <Button tone="ghost" icon className="size-7" aria-label="Close the file" onClick={onClose}>
          <X />
        </Button>
      </header>
      <div className="min-h-0 flex-1 overflow-auto" tabIndex={-1}>
        {error !== undefined && (
          <p role="alert" className="p-3 text-bad">
            {error}
          </p>
        )}
        {isLarge && (
          <p className="flex items-center gap-2 p-3 text-muted">
            {sizeText(file?.size ?? 0)}: not fetched by itself.
            <Button onClick={() => setAsked(path)}>Fetch it</Button>
          </p>
        )}
        {showsDiff ? (
          <Difference sessionId={sessionId} path={path} first={first} now={file === undefined ? EMPTY : bytes} />
        ) : (
          bytes !== undefined && <Content path={path} bytes={bytes} />
        )}
        {file?.type === "symlink" && !showsDiff && (
          <p className="p-3 text-muted">A link to {visibleName(file.target ?? "nowhere")}</p>
        )}
        {file?.type === "directory" && <p className="p-3 text-muted">A folder.</p>}
        {bytes === undefined && error === undefined && isRegular && !isLarge && (
          <p className="p-3 text-muted">Loading…</p>
        )}
      </div>
    </section>
  );
}

const EMPTY = new Uint8Array();

interface ContentProps {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function Content({ path, bytes }: ContentProps) {
  const kind = useMemo(() => fileKind(path, bytes), [path, bytes]);
  switch (kind.kind) {
    case "text":
      if (kind.text === "") return <p className="p-3 text-muted">The file is empty.</p>;
      return <FileText path={path} text={kind.text} />;
    case "image":
      return <Picture bytes={bytes} type={kind.type} path={path} />;
    case "binary":
      return <p className="p-3 text-muted">No text: {sizeText(bytes.length)} of bytes. Download it to look into it.</p>;
  }
}

/** As a picture no file can run anything, whatever is in it. */
function Picture({ bytes, type, path }: { bytes: Uint8Array<ArrayBuffer>; type: string; path: string }) {
  const [url, setUrl] = useState<string>();
  const [isBroken, setBroken] = useState(false);
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([bytes], { type }));
    setUrl(made);
    setBroken(false);
    return () => URL.revokeObjectURL(made);
  }, [bytes, type]);
  if (isBroken) return <p className="p-3 text-muted">This is no picture that the browser can show.</p>;
  if (url === undefined) return null;
  return <img src={url} alt={visibleName(path)} className="m-auto max-w-full p-3" onError={() => setBroken(true)} />;
}

interface DifferenceProps {
  readonly sessionId: string;
  readonly path: string;
  readonly first: FileEntry | undefined;
  readonly now: Uint8Array | undefined;
}

function Difference({ sessionId, path, first, now }: DifferenceProps) {
  const { bytes: before, error } = useFirstBytes(sessionId, path, first !== undefined);
  if (error !== undefined)
    return (
      <p role="alert" className="p-3 text-bad">
        {error}
      </p>
    );
  if (before === undefined || now === undefined) return <p className="p-3 text-muted">Loading…</p>;
  const [old, fresh] = [fileKind("", before), fileKind("", now)];
  if (old.kind !== "text" || fresh.kind !== "text")
    return (
      <p className="p-3 text-muted">
        No text: {sizeText(before.length)} at the start, {sizeText(now.length)} now.
      </p>
    );
  return (
    <Suspense fallback={<p className="p-3 text-muted">Loading…</p>}>
      <FileDiff before={old.text} after={fresh.text} />
    </Suspense>
  );
}
