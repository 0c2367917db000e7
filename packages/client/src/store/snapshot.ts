import type { ConversationBlock, MessageMode, SessionState, UserMessageBlock } from "@hhopkins/agent-runtime-protocol";
import type { ClientError } from "../client-error.ts";
import type { ConnectionStatus } from "../follow/follower.ts";

/** `sending`: on its way; `queued`: the server has it; `failed`: nobody knows, and sending it again does no harm. */
export type Delivery = "sending" | "queued" | "failed";

/** A message of our own that the log does not show as a block yet. The server's block has the same id. */
export interface OptimisticMessage extends UserMessageBlock {
  readonly delivery: Delivery;
  readonly mode?: MessageMode;
  /** Why it is `failed`. */
  readonly error?: ClientError;
}

/** A block as it is shown: the log's, or a message that is on its way there. */
export type ShownBlock = ConversationBlock | OptimisticMessage;

/** Blocks of a conversation that were asked for because the state does not reach so far back. */
export interface OlderBlocks {
  readonly blocks: readonly ConversationBlock[];
  /** Cursor of what is older still; absent: there is nothing. */
  readonly before?: string;
  readonly isLoading: boolean;
  readonly error?: ClientError;
}

/** What a store knows. A new object after each change; what did not change in it stays the same object. */
export interface SessionSnapshot {
  readonly sessionId: string;
  /** The server's state, by the log; absent before the first answer. */
  readonly state?: SessionState;
  /** `idle` while nobody subscribes. */
  readonly connection: ConnectionStatus | "idle";
  /** What stands in the way now; gone as soon as it does not any more. */
  readonly error?: ClientError;
  /** Our own messages that have no block yet, oldest first. */
  readonly pending: readonly OptimisticMessage[];
  /** By conversation. */
  readonly older: Readonly<Record<string, OlderBlocks>>;
}
