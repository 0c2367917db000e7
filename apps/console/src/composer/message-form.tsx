import { useComposer } from "@hhopkins/agent-runtime-react";
import type { MessageMode } from "@hhopkins/agent-runtime-protocol";
import { clsx } from "clsx";
import { ArrowUp, ChevronDown, CornerDownRight, OctagonPause, Paperclip, Square } from "lucide-react";
import { useEffect, useId, useLayoutEffect, useRef } from "react";
import type { KeyboardEvent } from "react";
import { useSessionControls } from "../session/session-controls.tsx";
import { useCommands } from "../shell/commands.tsx";
import { Button } from "../ui/button.tsx";
import { Menu } from "../ui/menu.tsx";
import { AttachmentTray } from "./attachment-tray.tsx";
import { CommandList } from "./command-list.tsx";
import { drafts } from "./draft.ts";
import { OptionsMenu } from "./options-menu.tsx";
import { useAttachments } from "./use-attachments.ts";
import { useSlashCommands } from "./use-slash-commands.ts";

/** The tallest that the field grows by itself, in pixels. */
const TALLEST = 260;

export function MessageForm({ sessionId }: { readonly sessionId: string }) {
  const { text, setText, canSend, send, isRunning } = useComposer(sessionId);
  const files = useAttachments();
  const slash = useSlashCommands(sessionId, text, setText);
  const field = useRef<HTMLTextAreaElement>(null);
  const list = useId();
  useDraft(sessionId, text, setText);
  useHeight(field, text);
  useCommands([
    {
      id: "composer.focus",
      label: "Write a message",
      group: "This session",
      keys: "i",
      run: () => field.current?.focus(),
    },
  ]);
  const submit = (mode?: MessageMode): void => {
    if (!canSend) return;
    const attachments = files.files.map((data) => ({ data }));
    void send(mode, attachments.length === 0 ? {} : { attachments });
    files.clear();
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (slash.onKeyDown(event)) return event.preventDefault();
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    // Without a turn that runs there is none to steer.
    submit(isRunning && (event.ctrlKey || event.metaKey) ? "steer" : undefined);
  };
  return (
    <form
      {...files.dropProps}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
      className={clsx(
        "relative rounded-xl border bg-canvas p-2 focus-within:border-accent",
        files.isDragging && "border-accent bg-accent/5",
      )}
    >
      <CommandList id={list} commands={slash} />
      <AttachmentTray files={files.files} onRemove={files.remove} />
      <textarea
        ref={field}
        rows={1}
        value={text}
        aria-label="Message"
        aria-autocomplete="list"
        aria-controls={slash.offered.length > 0 ? list : undefined}
        aria-activedescendant={slash.offered.length > 0 ? `${list}-${slash.active}` : undefined}
        placeholder={isRunning ? "Say something for when this turn is over" : "Say what is to be done"}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        className="block w-full resize-none bg-transparent px-1.5 py-1 outline-none placeholder:text-muted"
      />
      <div className="mt-1 flex items-center gap-1">
        <PickFiles onPick={files.add} />
        <OptionsMenu sessionId={sessionId} />
        <span className="flex-1" />
        {isRunning && <StopButton />}
        <SendButtons isRunning={isRunning} canSend={canSend} onSend={submit} />
      </div>
    </form>
  );
}

function useDraft(sessionId: string, text: string, setText: (text: string) => void): void {
  const isRead = useRef(false);
  useEffect(() => {
    if (isRead.current) return drafts.write(sessionId, text);
    isRead.current = true;
    const draft = drafts.read(sessionId);
    if (draft !== "") setText(draft);
  }, [sessionId, text, setText]);
}

/** As tall as what is written. */
function useHeight(field: { readonly current: HTMLTextAreaElement | null }, text: string): void {
  useLayoutEffect(() => {
    const element = field.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, TALLEST)}px`;
    element.style.overflowY = element.scrollHeight > TALLEST ? "auto" : "hidden";
  }, [field, text]);
}

function PickFiles({ onPick }: { readonly onPick: (files: Iterable<File>) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Files to attach"
        onChange={({ target }) => {
          onPick([...(target.files ?? [])]);
          // The same file may be picked again.
          target.value = "";
        }}
      />
      <Button tone="ghost" icon aria-label="Attach files" onClick={() => input.current?.click()}>
        <Paperclip />
      </Button>
    </>
  );
}

function StopButton() {
  const controls = useSessionControls();
  useCommands([
    {
      id: "session.stop",
      label: "Stop the turn",
      group: "This session",
      keys: "mod+.",
      run: () => void controls?.interrupt(),
    },
  ]);
  return (
    <Button tone="danger" onClick={() => void controls?.interrupt()}>
      <Square /> Stop
    </Button>
  );
}

interface SendButtonsProps {
  readonly isRunning: boolean;
  readonly canSend: boolean;
  readonly onSend: (mode?: MessageMode) => void;
}

function SendButtons({ isRunning, canSend, onSend }: SendButtonsProps) {
  return (
    <>
      <Button type="submit" tone="accent" disabled={!canSend} className={clsx(isRunning && "rounded-r-none")}>
        <ArrowUp /> {isRunning ? "Queue" : "Send"}
      </Button>
      {isRunning && (
        <Menu
          trigger={
            <Button
              tone="accent"
              icon
              aria-label="Other ways to send"
              disabled={!canSend}
              className="-ml-0.5 w-7 rounded-l-none"
            >
              <ChevronDown />
            </Button>
          }
          items={[
            { label: "Into this turn (Ctrl+Enter)", icon: <CornerDownRight />, onSelect: () => onSend("steer") },
            { label: "Stop the turn, then this", icon: <OctagonPause />, onSelect: () => onSend("interrupt") },
          ]}
        />
      )}
    </>
  );
}
