import { ArrowDown, LoaderCircle, MessageSquareDashed } from "lucide-react";
import { useMemo, useState } from "react";
import { useCommands } from "../shell/commands.tsx";
import { usePast } from "../past/past.tsx";
import { Button } from "../ui/button.tsx";
import { EmptyState } from "../ui/empty-state.tsx";
import { Announcer } from "./announcer.tsx";
import { BlockMenu } from "../session/block-menu.tsx";
import { FindBar } from "./find-bar.tsx";
import { BlockLink, Item } from "./item.tsx";
import { ConversationPlaceProvider, type ConversationPlace } from "./place.tsx";
import { useConversationList, type ConversationList } from "./use-conversation-list.ts";
import { useLinkedBlock } from "./use-linked-block.ts";

export interface ConversationProps {
  readonly sessionId: string;
  /** `main`, or a subagent's id. */
  readonly conversationId?: string;
}

/** What was said and done, as long as it may be. */
export function Conversation({ sessionId, conversationId = "main" }: ConversationProps) {
  const place = useMemo<ConversationPlace>(
    () => ({ sessionId, conversationId, folds: new Map() }),
    [sessionId, conversationId],
  );
  return (
    <ConversationPlaceProvider value={place}>
      <List key={`${sessionId} ${conversationId}`} place={place} />
      <Announcer sessionId={sessionId} conversationId={conversationId} />
    </ConversationPlaceProvider>
  );
}

function List({ place: { sessionId, conversationId } }: { readonly place: ConversationPlace }) {
  const list = useConversationList(sessionId, conversationId);
  const linked = useLinkedBlock(list, { sessionId, conversationId });
  const { ids, scroller, virtualizer, onScroll } = list;
  const [isFinding, setFinding] = useState(false);
  const [found, setFound] = useState<string>();
  const find = (isOpen: boolean): void => {
    setFinding(isOpen);
    if (isOpen) return;
    setFound(undefined);
    scroller.current?.focus();
  };
  useCommands(
    conversationId === "main"
      ? [{ id: "find", label: "Find in this conversation", group: "Session", keys: "mod+f", run: () => find(true) }]
      : NO_COMMANDS,
  );
  const marked = found ?? linked;
  const items = virtualizer.getVirtualItems();
  if (ids.length === 0) return <Nothing isMain={conversationId === "main"} />;
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      {isFinding && <FindBar list={list} onClose={() => find(false)} onFound={setFound} />}
      <div
        ref={scroller}
        role="feed"
        aria-label="Messages"
        aria-busy={list.older.isLoadingOlder}
        tabIndex={0}
        onScroll={onScroll}
        // The list keeps the reader's place by itself.
        className="min-h-0 flex-1 overflow-x-hidden overflow-y-auto outline-offset-[-2px] [overflow-anchor:none]"
      >
        <div role="presentation" className="relative w-full" style={{ height: virtualizer.getTotalSize() }}>
          <div
            role="presentation"
            className="absolute inset-x-0 top-0"
            style={{ transform: `translateY(${items[0]?.start ?? 0}px)` }}
          >
            {items.map(({ key, index }) => {
              const id = ids[index];
              if (id === undefined) return null;
              return (
                <article
                  key={key}
                  ref={virtualizer.measureElement}
                  data-index={index}
                  data-item={id}
                  aria-posinset={index + 1}
                  aria-setsize={list.older.hasOlder ? -1 : ids.length}
                  className={`group/item relative px-4 pb-3 first:pt-4 ${marked === id ? "bg-accent/10" : ""}`}
                >
                  <div className="mx-auto max-w-3xl">
                    <Item itemId={id} />
                  </div>
                  <div className="absolute top-0 right-0 hidden opacity-0 group-focus-within/item:opacity-100 group-hover/item:opacity-100 xl:flex">
                    <BlockLink sessionId={sessionId} itemId={id} />
                    {conversationId === "main" && <BlockMenu blockId={id} />}
                  </div>
                </article>
              );
            })}
          </div>
        </div>
      </div>
      <Older older={list.older} />
      <ToLatest list={list} />
    </div>
  );
}

const NO_COMMANDS: Parameters<typeof useCommands>[0] = [];

function ToLatest({ list: { isAtEnd, newCount, toEnd } }: { readonly list: ConversationList }) {
  if (isAtEnd) return null;
  return (
    <Button
      onClick={toEnd}
      className="absolute bottom-3 left-1/2 -translate-x-1/2 rounded-full shadow-md"
      aria-label={newCount === 0 ? "Jump to latest" : `Jump to latest, ${newCount} new`}
    >
      <ArrowDown />
      {newCount === 0 ? "Latest" : `${newCount} new`}
    </Button>
  );
}

/** That older blocks are on their way, or why not. */
function Older({ older }: Pick<ConversationList, "older">) {
  const look =
    "absolute top-2 left-1/2 flex -translate-x-1/2 items-center gap-2 rounded-full border bg-panel px-3 py-1 text-xs shadow-md";
  if (older.isLoadingOlder)
    return (
      <p role="status" className={look}>
        <LoaderCircle aria-hidden className="size-3.5 animate-spin" />
        Older messages…
      </p>
    );
  if (older.olderError === undefined) return null;
  return (
    <div role="alert" className={look}>
      <span>Older messages could not be fetched: {older.olderError.message}</span>
      <Button className="h-6" onClick={() => void older.loadOlder()}>
        Try again
      </Button>
    </div>
  );
}

function Nothing({ isMain }: { readonly isMain: boolean }) {
  const isPast = usePast() !== undefined;
  return (
    <EmptyState icon={<MessageSquareDashed />} title="Nothing has been said yet">
      {isPast && "Later events have more."}
      {!isPast && isMain && "Write a message below, and the agent begins."}
    </EmptyState>
  );
}
