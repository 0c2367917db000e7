import {
  MAIN_CONVERSATION,
  type ConversationBlock,
  type SessionState,
  type SubagentState,
} from "@hhopkins/agent-runtime-protocol";
import type { OptimisticMessage, SessionSnapshot, ShownBlock } from "./snapshot.ts";

type Conversation = Pick<SubagentState, "blocks" | "blocksBefore">;

interface Joined {
  readonly older: readonly ConversationBlock[] | undefined;
  readonly pending: readonly OptimisticMessage[];
  readonly blocks: readonly ShownBlock[];
}

const NOTHING: readonly ConversationBlock[] = [];
const NO_MESSAGES: readonly OptimisticMessage[] = [];
/** What was joined last with a window, so that the same parts give the same list. */
const joined = new WeakMap<readonly ConversationBlock[], Joined>();

/** The main conversation of a state, or a subagent's by its id. */
export function conversationOf(state: SessionState | undefined, conversationId: string): Conversation | undefined {
  if (conversationId === MAIN_CONVERSATION) return state;
  return state?.subagents.find(({ id }) => id === conversationId);
}

/**
 * All blocks of a conversation that a snapshot knows, oldest first: older pages, the state's, and in the main
 * conversation our own messages that are on their way. The same list as long as none of them changes.
 */
export function conversationBlocks(
  snapshot: SessionSnapshot,
  conversationId: string = MAIN_CONVERSATION,
): readonly ShownBlock[] {
  const window = conversationOf(snapshot.state, conversationId)?.blocks ?? NOTHING;
  const older = snapshot.older[conversationId]?.blocks;
  const pending = conversationId === MAIN_CONVERSATION ? snapshot.pending : NO_MESSAGES;
  if ((older === undefined || older.length === 0) && pending.length === 0) return window;
  const known = joined.get(window);
  if (known !== undefined && known.older === older && known.pending === pending) return known.blocks;
  const blocks = [...(older ?? []), ...window, ...pending];
  joined.set(window, { older, pending, blocks });
  return blocks;
}

/** The cursor of what is older than all that a snapshot knows of a conversation; undefined: there is nothing. */
export function olderCursor(
  { older, state }: SessionSnapshot,
  conversationId: string = MAIN_CONVERSATION,
): string | undefined {
  const loaded = older[conversationId];
  return loaded === undefined ? conversationOf(state, conversationId)?.blocksBefore : loaded.before;
}
