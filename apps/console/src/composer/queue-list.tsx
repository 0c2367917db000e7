import { useQueue } from "@hhopkins/agent-runtime-react";
import type { QueuedMessage } from "@hhopkins/agent-runtime-protocol";
import { Paperclip, Pencil, X } from "lucide-react";
import { useState } from "react";
import { errorText } from "../ui/error-text.ts";
import { Badge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Textarea } from "../ui/input.tsx";
import { useToast } from "../ui/toast.tsx";

/** Messages that wait for their turn, the next one first. */
export function QueueList({ sessionId }: { readonly sessionId: string }) {
  const { queue, updateMessage, withdrawMessage } = useQueue(sessionId);
  const [editing, setEditing] = useState<string>();
  const toast = useToast();
  if (queue.length === 0) return null;
  const told = async (work: Promise<void>, failed: string): Promise<boolean> => {
    try {
      await work;
      return true;
    } catch (error) {
      toast(`${failed} ${errorText(error)}`, { tone: "bad" });
      return false;
    }
  };
  return (
    <section aria-label="Queue">
      <h2 className="px-1 pb-1 text-xs font-medium text-muted">Waiting · {queue.length}</h2>
      <ol className="flex max-h-40 flex-col overflow-auto rounded-lg border">
        {queue.map((message) => (
          <li key={message.messageId} className="border-b px-2.5 py-1.5 last:border-b-0">
            {editing === message.messageId ? (
              <EditForm
                content={message.content}
                onCancel={() => setEditing(undefined)}
                onSave={async (content) => {
                  if (await told(updateMessage(message.messageId, content), "The message was not changed."))
                    setEditing(undefined);
                }}
              />
            ) : (
              <QueuedLine
                message={message}
                onEdit={() => setEditing(message.messageId)}
                onWithdraw={() => void told(withdrawMessage(message.messageId), "The message was not withdrawn.")}
              />
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

const MODES = { steer: "into this turn", interrupt: "next" } as const;

interface QueuedLineProps {
  readonly message: QueuedMessage;
  readonly onEdit: () => void;
  readonly onWithdraw: () => void;
}

function QueuedLine({ message: { content, mode, attachments = [] }, onEdit, onWithdraw }: QueuedLineProps) {
  return (
    <div className="flex items-center gap-2">
      <p className="line-clamp-2 min-w-0 flex-1 text-sm break-words whitespace-pre-wrap">{content}</p>
      {attachments.length > 0 && (
        <span
          className="flex items-center gap-1 text-xs text-muted"
          title={attachments.map(({ name }) => name).join("\n")}
        >
          <Paperclip aria-hidden className="size-3.5" />
          {attachments.length}
          <span className="sr-only">attachments</span>
        </span>
      )}
      {mode !== undefined && <Badge tone="accent">{MODES[mode]}</Badge>}
      <Button tone="ghost" icon className="size-7" aria-label="Edit the waiting message" onClick={onEdit}>
        <Pencil />
      </Button>
      <Button tone="ghost" icon className="size-7" aria-label="Withdraw the waiting message" onClick={onWithdraw}>
        <X />
      </Button>
    </div>
  );
}

interface EditFormProps {
  readonly content: string;
  readonly onSave: (content: string) => Promise<void>;
  readonly onCancel: () => void;
}

function EditForm({ content, onSave, onCancel }: EditFormProps) {
  const [text, setText] = useState(content);
  return (
    <form
      className="flex flex-col gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        void onSave(text.trim());
      }}
      onKeyDown={(event) => event.key === "Escape" && onCancel()}
    >
      <Textarea
        autoFocus
        rows={Math.min(6, text.split("\n").length + 1)}
        aria-label="Waiting message"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" tone="accent" disabled={text.trim() === ""}>
          Save
        </Button>
      </div>
    </form>
  );
}
