import {
  useConversationItemIds,
  useOlder,
  useSessionSelector,
  type SessionSnapshot,
  type ShownBlock,
} from "@hhopkins/agent-runtime-react";
import { Bot, ChevronRight, PanelRight } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import type { ComponentType } from "react";
import { Link } from "wouter";
import { LongText } from "../conversation/long-text.tsx";
import {
  ConversationPlaceProvider,
  useFold,
  usePanelPath,
  usePlace,
  type ConversationPlace,
} from "../conversation/place.tsx";
import { Button } from "../ui/button.tsx";
import { visibleName } from "../ui/visible-name.ts";
import { StopSubagent } from "./stop-button.tsx";
import { SubagentStatusBadge } from "./subagent-status.tsx";

type Block = Extract<ShownBlock, { type: "subagent" }>;

interface SubagentThreadProps {
  readonly block: Block;
  /** Shows one item of its conversation. */
  readonly Item: ComponentType<{ readonly itemId: string }>;
}

/** Where the agent handed work to another one: that one's conversation opens in place. */
export function SubagentThread({ block, Item }: SubagentThreadProps) {
  const { sessionId } = usePlace();
  const [isOpen, setOpen] = useFold(block.id, false);
  const panelPath = usePanelPath("subagents", block.subagentId);
  const status = useSessionSelector(
    sessionId,
    useCallback(
      ({ state }: SessionSnapshot) => state?.subagents.find(({ id }) => id === block.subagentId)?.status,
      [block.subagentId],
    ),
  );
  const name = visibleName(block.name);
  return (
    <div className="min-w-0 rounded-lg border bg-panel">
      <div className="flex min-h-9 items-center gap-2 pr-1.5">
        <button
          type="button"
          aria-expanded={isOpen}
          aria-label={`Subagent ${name}`}
          onClick={() => setOpen(!isOpen)}
          className="flex min-h-8 min-w-0 flex-1 items-center gap-2 rounded-lg px-2.5 text-left hover:bg-raised/60"
        >
          <Bot aria-hidden className="size-4 shrink-0 text-accent" />
          <bdi className="min-w-0 truncate font-medium">{name}</bdi>
          <SubagentStatusBadge status={status ?? block.status} />
          <ChevronRight
            aria-hidden
            className={`ml-auto size-3.5 shrink-0 text-muted transition-transform ${isOpen ? "rotate-90" : ""}`}
          />
        </button>
        {status === "running" && <StopSubagent sessionId={sessionId} subagentId={block.subagentId} name={name} />}
        <Link
          href={panelPath}
          aria-label={`Open ${name} in the panel`}
          className="grid size-7 shrink-0 place-items-center rounded-md text-muted hover:bg-raised hover:text-ink"
        >
          <PanelRight aria-hidden className="size-4" />
        </Link>
      </div>
      {isOpen ? <Thread block={block} Item={Item} isKnown={status !== undefined} /> : <Output block={block} />}
    </div>
  );
}

/** Its last words, or why it failed. */
function Output({ block }: { readonly block: Block }) {
  if (block.output === undefined || block.output === "") return null;
  return (
    <div className="border-t px-2.5 py-1.5">
      <LongText
        id={`${block.id}/output`}
        text={block.output}
        lines={3}
        fileName="subagent.txt"
        isProse
        className="text-muted"
      />
    </div>
  );
}

const AT_FIRST = 20;
const STEP = 50;

function Thread({ block, Item, isKnown }: SubagentThreadProps & { readonly isKnown: boolean }) {
  const { sessionId, folds } = usePlace();
  const conversationId = block.subagentId;
  const place = useMemo<ConversationPlace>(
    () => ({ sessionId, conversationId, folds }),
    [sessionId, conversationId, folds],
  );
  const ids = useConversationItemIds(sessionId, { conversationId });
  const { hasOlder, isLoadingOlder, olderError, loadOlder } = useOlder(sessionId, { conversationId });
  const [count, setCount] = useState(AT_FIRST);
  const isMore = ids.length > count || hasOlder;
  const more = (): void => {
    setCount(count + STEP);
    if (ids.length < count + STEP && hasOlder) void loadOlder();
  };
  if (!isKnown) return <p className="border-t px-2.5 py-1.5 text-muted">Its conversation is not kept any more.</p>;
  return (
    <div role="group" aria-label={`Conversation of ${visibleName(block.name)}`} className="border-t py-2 pr-2 pl-3">
      <div className="flex flex-col gap-2.5 border-l-2 pl-3">
        {isMore && (
          <Button tone="ghost" className="self-start" disabled={isLoadingOlder} onClick={more}>
            Show earlier
          </Button>
        )}
        {olderError !== undefined && <p role="alert">That could not be fetched: {olderError.message}</p>}
        {ids.length === 0 && <p className="text-muted">It has said nothing yet.</p>}
        <ConversationPlaceProvider value={place}>
          {ids.slice(-count).map((id) => (
            <Item key={id} itemId={id} />
          ))}
        </ConversationPlaceProvider>
      </div>
    </div>
  );
}
