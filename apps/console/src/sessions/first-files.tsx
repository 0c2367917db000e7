import { Paperclip, X } from "lucide-react";
import { useId } from "react";
import { Button } from "../ui/button.tsx";
import { sizeText } from "../ui/format.ts";
import type { FirstFile } from "./new-session-form.ts";

export interface FirstFilesProps {
  readonly files: readonly FirstFile[];
  readonly onChange: (files: readonly FirstFile[]) => void;
}

/** Files to begin with, chosen or dropped; of two with one name the later stands. */
export function FirstFiles({ files, onChange }: FirstFilesProps) {
  const id = useId();
  const add = async (chosen: FileList | null): Promise<void> => {
    const read = await Promise.all([...(chosen ?? [])].map(readFile));
    onChange([...files.filter(({ path }) => !read.some((file) => file.path === path)), ...read]);
  };
  return (
    <div
      className="flex flex-col gap-1"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void add(event.dataTransfer.files);
      }}
    >
      <span className="font-medium">Files to begin with</span>
      <ul className="flex flex-col gap-1">
        {files.map(({ path, size }) => (
          <li key={path} className="flex items-center gap-2 rounded-md bg-raised py-0.5 pr-0.5 pl-2">
            <span className="min-w-0 flex-1 truncate font-mono text-xs">{path}</span>
            <span className="shrink-0 text-xs text-muted">{sizeText(size)}</span>
            <Button
              tone="ghost"
              icon
              className="size-6"
              aria-label={`Leave out ${path}`}
              onClick={() => onChange(files.filter((file) => file.path !== path))}
            >
              <X />
            </Button>
          </li>
        ))}
      </ul>
      <input
        id={id}
        type="file"
        multiple
        className="peer sr-only"
        onChange={(event) => {
          void add(event.target.files);
          event.target.value = "";
        }}
      />
      <label
        htmlFor={id}
        className="flex h-9 cursor-pointer items-center justify-center gap-2 rounded-md border border-dashed text-muted peer-focus-visible:outline-2 peer-focus-visible:outline-accent hover:bg-raised"
      >
        <Paperclip aria-hidden className="size-4" />
        Choose files, or drop them here
      </label>
    </div>
  );
}

function readFile(file: File): Promise<FirstFile> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("error", () => reject(reader.error ?? new Error(`${file.name} could not be read.`)));
    reader.addEventListener("load", () => {
      const address = typeof reader.result === "string" ? reader.result : "";
      const base64 = address.slice(address.indexOf(",") + 1);
      resolve({ path: file.name, base64, size: file.size });
    });
    reader.readAsDataURL(file);
  });
}
