import { conversationBlocks } from "@hhopkins/agent-runtime-client";
import { useSessionStore, type ShownBlock } from "@hhopkins/agent-runtime-react";
import { useEffect, useRef, useState } from "react";
import { useHashSearch } from "../hash-location.ts";
import { useToast } from "../ui/toast.tsx";
import { bringIntoView } from "./bring-into-view.ts";
import type { ConversationList } from "./use-conversation-list.ts";

/** Pages of older blocks that are looked through for a block. */
const MOST_PAGES = 200;

interface Place {
  readonly sessionId: string;
  readonly conversationId: string;
}

/** The item that the address names (`?block=ID`), which is brought into view; undefined where it names none. */
export function useLinkedBlock(list: ConversationList, { sessionId, conversationId }: Place): string | undefined {
  const search = useHashSearch();
  const linked = conversationId === "main" ? (new URLSearchParams(search).get("block") ?? undefined) : undefined;
  const store = useSessionStore(sessionId);
  const toast = useToast();
  const { ids, older } = list;
  const [found, setFound] = useState<{ readonly linked: string; readonly itemId: string }>();
  const pages = useRef({ of: "", count: 0 });
  const isFound = linked !== undefined && found?.linked === linked;
  useEffect(() => {
    if (linked === undefined || isFound || ids.length === 0 || older.isLoadingOlder || older.olderError !== undefined)
      return;
    const itemId = itemOf(conversationBlocks(store.getSnapshot(), conversationId), linked);
    if (itemId !== undefined && ids.includes(itemId)) {
      setFound({ linked, itemId });
      bringIntoView(list, itemId);
      return;
    }
    if (pages.current.of !== linked) pages.current = { of: linked, count: 0 };
    pages.current.count += 1;
    if (older.hasOlder && pages.current.count <= MOST_PAGES) {
      void older.loadOlder();
      return;
    }
    setFound({ linked, itemId: "" });
    toast("The block that the address names is not in this conversation.", { tone: "bad" });
  }, [linked, isFound, ids, older, store, conversationId, list, toast]);
  return isFound ? found?.itemId : undefined;
}

/** A tool's result is shown with its call. */
function itemOf(blocks: readonly ShownBlock[], blockId: string): string | undefined {
  const block = blocks.find(({ id }) => id === blockId);
  if (block?.type !== "tool_result") return block?.id;
  const call = blocks.find((other) => other.type === "tool_use" && other.toolUseId === block.toolUseId);
  return call?.id ?? block.id;
}
