import { useAgentService, type ShownBlock } from "@hhopkins/agent-runtime-react";
import { Download, FileText } from "lucide-react";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import { Dialog } from "../ui/dialog.tsx";
import { sizeText } from "../ui/format.ts";
import { saveFile } from "../ui/save-file.ts";
import { useToast } from "../ui/toast.tsx";
import { visibleName } from "../ui/visible-name.ts";
import { usePanelPath, usePlace } from "./place.tsx";
import { errorText } from "../ui/error-text.ts";

type Attachment = NonNullable<Extract<ShownBlock, { type: "user_message" }>["attachments"]>[number];

/** Pictures without programs in them, which may be shown. */
const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
/** Bytes of a picture that is shown without being asked for. */
const MOST_SHOWN = 5_000_000;

export interface AttachmentsProps {
  readonly messageId: string;
  readonly attachments: readonly Attachment[];
}

/** What a message came with. */
export function Attachments({ messageId, attachments }: AttachmentsProps) {
  return (
    <ul aria-label="Attachments" className="flex flex-wrap justify-end gap-2">
      {attachments.map((attachment) => (
        <li key={attachment.name} className="min-w-0">
          {PICTURES.has(attachment.mediaType) && attachment.size <= MOST_SHOWN ? (
            <Picture messageId={messageId} attachment={attachment} />
          ) : (
            <File messageId={messageId} attachment={attachment} />
          )}
        </li>
      ))}
    </ul>
  );
}

interface AttachmentProps {
  readonly messageId: string;
  readonly attachment: Attachment;
}

function Picture({ messageId, attachment }: AttachmentProps) {
  const url = usePicture(messageId, attachment);
  const [isOpen, setOpen] = useState(false);
  const name = visibleName(attachment.name);
  if (url === undefined) return <File messageId={messageId} attachment={attachment} />;
  return (
    <>
      <button type="button" aria-label={`Look at ${name}`} onClick={() => setOpen(true)} className="block rounded-lg">
        <img src={url} alt={name} className="max-h-40 max-w-60 min-w-6 rounded-lg border object-contain" />
      </button>
      {isOpen && (
        <Dialog title={name} onClose={() => setOpen(false)}>
          <img src={url} alt={name} className="max-h-[65vh] object-contain" />
        </Dialog>
      )}
    </>
  );
}

/** An address of the picture's bytes in this page; the server wants to know who asks, so it has none of its own. */
function usePicture(messageId: string, { name, mediaType }: Attachment): string | undefined {
  const { client } = useAgentService();
  const { sessionId } = usePlace();
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    let made: string | undefined;
    let isOver = false;
    client.readAttachment(sessionId, messageId, name).then(
      (bytes) => {
        if (isOver) return;
        made = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type: mediaType }));
        setUrl(made);
      },
      // It stays a file that one can try to save, and that says what is wrong.
      () => undefined,
    );
    return () => {
      isOver = true;
      setUrl(undefined);
      if (made !== undefined) URL.revokeObjectURL(made);
    };
  }, [client, sessionId, messageId, name, mediaType]);
  return url;
}

function File({ messageId, attachment }: AttachmentProps) {
  const { client } = useAgentService();
  const { sessionId } = usePlace();
  const href = usePanelPath("files", attachment.path);
  const toast = useToast();
  const name = visibleName(attachment.name);
  const save = async (): Promise<void> => {
    try {
      saveFile(attachment.name, new Uint8Array(await client.readAttachment(sessionId, messageId, attachment.name)));
    } catch (error) {
      toast(`${name}: ${errorText(error)}`, { tone: "bad" });
    }
  };
  return (
    <span className="flex max-w-full items-center gap-1.5 rounded-lg border bg-panel px-2 py-1 text-sm">
      <FileText aria-hidden className="size-4 shrink-0 text-muted" />
      {attachment.path === undefined ? (
        <bdi className="truncate">{name}</bdi>
      ) : (
        <Link href={href} className="truncate underline underline-offset-2">
          <bdi>{name}</bdi>
        </Link>
      )}
      <span className="shrink-0 text-xs text-muted">{sizeText(attachment.size)}</span>
      <button
        type="button"
        aria-label={`Download ${name}`}
        onClick={() => void save()}
        className="grid size-6 shrink-0 place-items-center rounded text-muted hover:bg-raised hover:text-ink"
      >
        <Download aria-hidden className="size-3.5" />
      </button>
    </span>
  );
}
