import { conversationBlocks, type AgentClient, type SessionStore } from "@hhopkins/agent-runtime-client";
import {
  useAgentService,
  useSessionStore,
  type ConversationBlock,
  type ShownBlock,
} from "@hhopkins/agent-runtime-react";
import { useCallback, useState } from "react";
import { usePast } from "../past/past.tsx";
import { useToast } from "../ui/toast.tsx";
import { usePlace, type ConversationPlace } from "./place.tsx";
import { errorText } from "../ui/error-text.ts";

export interface UseWholeBlock<B extends ShownBlock> {
  /** The whole, once it is there; until then the block as the state has it. */
  readonly block: B;
  /** Something of it is missing, and `load` brings it. */
  readonly isCut: boolean;
  readonly isLoading: boolean;
  /** Answers the whole, or undefined where it could not be fetched, which the reader is told. */
  readonly load: () => Promise<B | undefined>;
}

/** How a text that was cut goes on, for `LongText`; undefined where it is whole. */
export function restOf<B extends ShownBlock>(
  { isCut, isLoading, load }: UseWholeBlock<B>,
  textOf: (block: B) => string,
): RestOfText | undefined {
  if (!isCut) return undefined;
  return {
    isLoading,
    async load() {
      const whole = await load();
      return whole && textOf(whole);
    },
  };
}

/** Brings the whole of a text, or nothing where it could not be fetched. */
export interface RestOfText {
  readonly isLoading: boolean;
  readonly load: () => Promise<string | undefined>;
}

/** A block whose text was cut for the state, and the way to all of it. */
export function useWholeBlock<B extends ConversationBlock>(block: B): UseWholeBlock<B> {
  const { client } = useAgentService();
  const place = usePlace();
  const store = useSessionStore(place.sessionId);
  const toast = useToast();
  const isPast = usePast() !== undefined;
  const [isLoading, setLoading] = useState(false);
  const [fetched, keep] = useState<{ readonly of: B; readonly whole: B }>();
  const load = useCallback(async () => {
    if (block.truncated !== true) return block;
    if (isPast) {
      // What the server has of it is how it is now.
      toast("Of the past only the beginning of a long text is known. Go to now to see all of it.");
      return undefined;
    }
    setLoading(true);
    try {
      const whole = (await wholeBlock({ client, store, place }, block.id)) as B | undefined;
      if (whole === undefined) throw new Error("The server does not have this block any more.");
      keep({ of: block, whole });
      return whole;
    } catch (error) {
      toast(`The rest could not be fetched: ${errorText(error)}`, {
        tone: "bad",
      });
      return undefined;
    } finally {
      setLoading(false);
    }
  }, [block, isPast, client, store, place, toast]);
  const whole = fetched?.of === block ? fetched.whole : undefined;
  return { block: whole ?? block, isCut: block.truncated === true && whole === undefined, isLoading, load };
}

interface Parts {
  readonly client: AgentClient;
  readonly store: SessionStore;
  readonly place: ConversationPlace;
}

/** Blocks are fetched by pages: the page of one that ends before the next block. */
async function wholeBlock({ client, store, place }: Parts, blockId: string): Promise<ConversationBlock | undefined> {
  const { sessionId, conversationId: conversation } = place;
  const blocks = conversationBlocks(store.getSnapshot(), conversation).filter((block) => !("delivery" in block));
  const next = blocks[blocks.findIndex(({ id }) => id === blockId) + 1];
  // Without a next one it is the last, unless others have come meanwhile.
  const page = next === undefined ? { conversation, limit: 20 } : { conversation, before: next.id, limit: 1 };
  const answer = await client.getBlocks(sessionId, page);
  return answer.blocks.find(({ id }) => id === blockId);
}
