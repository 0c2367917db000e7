import { FileText, X } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "../ui/button.tsx";
import { sizeText } from "../ui/format.ts";
import { isPicture } from "./attachments.ts";

export interface AttachmentTrayProps {
  readonly files: readonly File[];
  readonly onRemove: (file: File) => void;
}

/** What goes with the next message. */
export function AttachmentTray({ files, onRemove }: AttachmentTrayProps) {
  if (files.length === 0) return null;
  return (
    <ul aria-label="Files to send" className="flex flex-wrap gap-2 px-1 pb-2">
      {files.map((file, place) => (
        <li
          key={`${file.name} ${place}`}
          className="flex max-w-56 items-center gap-2 rounded-md border bg-canvas p-1 pr-0.5"
        >
          <Preview file={file} />
          <span className="min-w-0 flex-1">
            <span className="block truncate text-xs font-medium">{file.name}</span>
            <span className="block text-xs text-muted">{sizeText(file.size)}</span>
          </span>
          <Button
            tone="ghost"
            icon
            className="size-6"
            aria-label={`Remove ${file.name}`}
            onClick={() => onRemove(file)}
          >
            <X />
          </Button>
        </li>
      ))}
    </ul>
  );
}

function Preview({ file }: { readonly file: File }) {
  const url = useObjectUrl(file);
  if (url === undefined) {
    return (
      <span aria-hidden className="grid size-8 shrink-0 place-items-center rounded bg-raised text-muted">
        <FileText className="size-4" />
      </span>
    );
  }
  return <img src={url} alt="" className="size-8 shrink-0 rounded object-cover" />;
}

/** Of a picture; nothing for what browsers do not simply show. */
function useObjectUrl(file: File): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!isPicture(file)) return;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url;
}
