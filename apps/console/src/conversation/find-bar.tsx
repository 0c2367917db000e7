import { conversationBlocks } from "@hhopkins/agent-runtime-client";
import { useSessionStore } from "@hhopkins/agent-runtime-react";
import { ArrowDown, ArrowUp, X } from "lucide-react";
import { useDeferredValue, useMemo, useState } from "react";
import { Button } from "../ui/button.tsx";
import { Input } from "../ui/input.tsx";
import { bringIntoView } from "./bring-into-view.ts";
import { itemsWith } from "./find-text.ts";
import { usePlace } from "./place.tsx";
import type { ConversationList } from "./use-conversation-list.ts";

export interface FindBarProps {
  readonly list: ConversationList;
  readonly onClose: () => void;
  /** The item that is looked at now. */
  readonly onFound: (itemId: string | undefined) => void;
}

/** Finds words in what has been loaded: the browser itself only knows what is in view. */
export function FindBar({ list, onClose, onFound }: FindBarProps) {
  const { sessionId, conversationId } = usePlace();
  const store = useSessionStore(sessionId);
  const [words, setWords] = useState("");
  const [at, setAt] = useState<string>();
  const wanted = useDeferredValue(words);
  const { ids, older } = list;
  const found = useMemo(
    () => itemsWith(wanted, conversationBlocks(store.getSnapshot(), conversationId), new Set(ids)),
    [wanted, store, conversationId, ids],
  );
  const place = at === undefined ? -1 : found.indexOf(at);
  const go = (step: 1 | -1): void => {
    // The newest first, as one reads a conversation from its end.
    const next = place < 0 ? found.length - 1 : (place + step + found.length) % found.length;
    const itemId = found[next];
    if (itemId === undefined) return;
    setAt(itemId);
    onFound(itemId);
    bringIntoView(list, itemId);
  };
  return (
    <search className="flex items-center gap-1 border-b bg-panel px-3 py-1.5">
      <form
        className="flex min-w-0 flex-1 items-center gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          go(-1);
        }}
      >
        <Input
          autoFocus
          type="search"
          aria-label="Find in this conversation"
          placeholder="Find"
          value={words}
          onChange={(event) => setWords(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") onClose();
          }}
        />
        <p role="status" className="shrink-0 text-xs text-muted tabular-nums">
          {wanted.trim() !== "" && (place < 0 ? `${found.length} found` : `${place + 1} of ${found.length}`)}
        </p>
      </form>
      {older.hasOlder && (
        <Button tone="ghost" disabled={older.isLoadingOlder} onClick={() => void older.loadOlder()}>
          Load older
        </Button>
      )}
      <Button tone="ghost" icon aria-label="Earlier match" disabled={found.length === 0} onClick={() => go(-1)}>
        <ArrowUp />
      </Button>
      <Button tone="ghost" icon aria-label="Later match" disabled={found.length === 0} onClick={() => go(1)}>
        <ArrowDown />
      </Button>
      <Button tone="ghost" icon aria-label="Close find" onClick={onClose}>
        <X />
      </Button>
    </search>
  );
}
