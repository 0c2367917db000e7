import {
  conversationBlocks,
  olderCursor,
  type ClientError,
  type SendMessageOptions,
  type SendOutcome,
  type SessionSnapshot,
  type ShownBlock,
} from "@hhopkins/agent-runtime-client";
import { MAIN_CONVERSATION, type BlockType, type SessionMetadata } from "@hhopkins/agent-runtime-protocol";
import { useCallback, useMemo } from "react";
import { indexOf } from "./block-index.ts";
import { shallowEqual, useSessionSelector, useSessionStore } from "./use-session-selector.ts";

export interface ConversationOptions {
  /** `main`, or a subagent's id. */
  readonly conversationId?: string;
}

export interface UseMessages {
  /** Oldest first, with the text that is still being written, and our own messages before the log has them. */
  readonly blocks: readonly ShownBlock[];
  /** Blocks that are still being written. */
  readonly streamingBlockIds: readonly string[];
  readonly isStreaming: boolean;
  /** Usage, cost and model so far. */
  readonly metadata: SessionMetadata | undefined;
  readonly error: ClientError | undefined;
  /** Shows the message at once, and sends it. Never rejects: a message that failed says so as a block (`delivery`). */
  readonly sendMessage: (content: string, options?: SendMessageOptions) => Promise<SendOutcome>;
  /** Sends a failed message again. */
  readonly retryMessage: (messageId: string) => Promise<SendOutcome>;
  /** Forgets a failed message. */
  readonly dropMessage: (messageId: string) => void;
  readonly getBlock: (blockId: string) => ShownBlock | undefined;
  readonly getBlocksByType: <T extends BlockType>(type: T) => readonly Extract<ShownBlock, { type: T }>[];
  /** Whether there are older blocks than these. */
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  /** Why the last page did not come; gone when it is asked for again. */
  readonly olderError: ClientError | undefined;
  readonly loadOlder: () => Promise<void>;
}

/** A session's conversation. Render each block by a memoised component: only those that changed are new objects. */
export function useMessages(
  sessionId: string | undefined,
  { conversationId = MAIN_CONVERSATION }: ConversationOptions = {},
): UseMessages {
  const store = useSessionStore(sessionId);
  const blocks = useBlocks(sessionId, conversationId);
  const streamingBlockIds = useSessionSelector(sessionId, streamingOf, shallowEqual);
  const metadata = useSessionSelector(sessionId, metadataOf);
  const error = useSessionSelector(sessionId, errorOf);
  const older = useOlder(sessionId, { conversationId });
  const functions = useMemo(
    () => ({
      sendMessage: (content: string, options?: SendMessageOptions) => store.sendMessage(content, options),
      retryMessage: (messageId: string) => store.retryMessage(messageId),
      dropMessage: (messageId: string) => store.dropMessage(messageId),
    }),
    [store],
  );
  const getters = useMemo(
    () => ({
      getBlock: (blockId: string) => indexOf(blocks).get(blockId),
      getBlocksByType: <T extends BlockType>(type: T) =>
        blocks.filter((block): block is Extract<ShownBlock, { type: T }> => block.type === type),
    }),
    [blocks],
  );
  const own = useMemo(() => streamingBlockIds.filter((id) => indexOf(blocks).has(id)), [streamingBlockIds, blocks]);
  return {
    blocks,
    streamingBlockIds: own,
    isStreaming: own.length > 0,
    metadata,
    error,
    ...older,
    ...functions,
    ...getters,
  };
}

export type UseOlder = Pick<UseMessages, "hasOlder" | "isLoadingOlder" | "olderError" | "loadOlder">;

/** What is older than the blocks that are there, as `useMessages` has it. */
export function useOlder(
  sessionId: string | undefined,
  { conversationId = MAIN_CONVERSATION }: ConversationOptions = {},
): UseOlder {
  const store = useSessionStore(sessionId);
  const older = useSessionSelector(
    sessionId,
    useCallback(
      (snapshot: SessionSnapshot) => ({
        hasOlder: olderCursor(snapshot, conversationId) !== undefined,
        isLoadingOlder: snapshot.older[conversationId]?.isLoading === true,
        olderError: snapshot.older[conversationId]?.error,
      }),
      [conversationId],
    ),
    shallowEqual,
  );
  const loadOlder = useCallback(() => store.loadOlder(conversationId), [store, conversationId]);
  return { ...older, loadOlder };
}

/** The blocks alone, as `useMessages` has them. */
function useBlocks(sessionId: string | undefined, conversationId: string): readonly ShownBlock[] {
  return useSessionSelector(
    sessionId,
    useCallback((snapshot) => conversationBlocks(snapshot, conversationId), [conversationId]),
  );
}

/** The ids of a conversation's blocks: renders again when blocks come or go, and not when one of them is written. */
export function useBlockIds(
  sessionId: string | undefined,
  { conversationId = MAIN_CONVERSATION }: ConversationOptions = {},
): readonly string[] {
  return useSessionSelector(
    sessionId,
    useCallback((snapshot) => conversationBlocks(snapshot, conversationId).map(({ id }) => id), [conversationId]),
    shallowEqual,
  );
}

export interface UseBlock {
  readonly block: ShownBlock | undefined;
  readonly isStreaming: boolean;
}

/** One block: renders again when this one changes. */
export function useBlock(
  sessionId: string | undefined,
  blockId: string,
  { conversationId = MAIN_CONVERSATION }: ConversationOptions = {},
): UseBlock {
  return useSessionSelector(
    sessionId,
    useCallback(
      (snapshot) => ({
        block: indexOf(conversationBlocks(snapshot, conversationId)).get(blockId),
        isStreaming: streamingOf(snapshot).includes(blockId),
      }),
      [conversationId, blockId],
    ),
    shallowEqual,
  );
}

const NONE: readonly string[] = [];

function streamingOf({ state }: SessionSnapshot): readonly string[] {
  return state?.streamingBlockIds ?? NONE;
}

function metadataOf({ state }: SessionSnapshot): SessionMetadata | undefined {
  return state?.sessionMetadata;
}

function errorOf({ error }: SessionSnapshot): ClientError | undefined {
  return error;
}
