import { useCallback, useEffect, useRef, useState } from "react";
import type { ClipboardEvent, DragEvent } from "react";
import { useToast } from "../ui/toast.tsx";
import { attach } from "./attachments.ts";

export interface Attachments {
  readonly files: readonly File[];
  readonly add: (files: Iterable<File>) => void;
  readonly remove: (file: File) => void;
  readonly clear: () => void;
  /** Something is being dragged over the page that can be dropped here. */
  readonly isDragging: boolean;
  readonly dropProps: {
    readonly onDragOver: (event: DragEvent) => void;
    readonly onDragLeave: (event: DragEvent) => void;
    readonly onDrop: (event: DragEvent) => void;
    readonly onPaste: (event: ClipboardEvent) => void;
  };
}

/** Files that go with the next message: picked, dropped, or pasted. */
export function useAttachments(): Attachments {
  const toast = useToast();
  const [files, setFiles] = useState<readonly File[]>([]);
  const [isDragging, setDragging] = useState(false);
  const latest = useRef(files);
  useEffect(() => {
    latest.current = files;
  }, [files]);
  const add = useCallback(
    (added: Iterable<File>) => {
      const { files: next, refused } = attach(latest.current, [...added].map(named));
      latest.current = next;
      setFiles(next);
      for (const reason of refused) toast(reason, { tone: "bad" });
    },
    [toast],
  );
  return {
    files,
    add,
    remove: useCallback((file) => setFiles((before) => before.filter((other) => other !== file)), []),
    clear: useCallback(() => setFiles([]), []),
    isDragging,
    dropProps: {
      onDragOver(event) {
        if (!event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        setDragging(true);
      },
      onDragLeave: ({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget as Node | null)) setDragging(false);
      },
      onDrop(event) {
        setDragging(false);
        if (event.dataTransfer.files.length === 0) return;
        event.preventDefault();
        add(event.dataTransfer.files);
      },
      onPaste(event) {
        const { files: pasted } = event.clipboardData;
        // A spreadsheet's cells come as a picture too: whoever pastes text means the text.
        if (pasted.length === 0 || event.clipboardData.getData("text/plain") !== "") return;
        event.preventDefault();
        add(pasted);
      },
    },
  };
}

/** What is dropped may have a path for a name. */
function named(file: File): File {
  const name = file.name.split(/[/\\]/).at(-1) ?? "";
  return name === file.name ? file : new File([file], name, { type: file.type });
}
