import type { ClientError, SessionSnapshot } from "@hhopkins/agent-runtime-client";
import type { QueuedMessage } from "@hhopkins/agent-runtime-protocol";
import { useMemo } from "react";
import { useSessionAction } from "./use-session-action.ts";
import { useSessionSelector } from "./use-session-selector.ts";

export interface UseQueue {
  /** Messages that wait for their turn, the next one first. */
  readonly queue: readonly QueuedMessage[];
  readonly updateMessage: (messageId: string, content: string) => Promise<void>;
  readonly withdrawMessage: (messageId: string) => Promise<void>;
  /** Why the last of them failed; such as a message that its turn has taken meanwhile. */
  readonly error: ClientError | undefined;
}

const NONE: readonly QueuedMessage[] = [];

function queueOf({ state }: SessionSnapshot): readonly QueuedMessage[] {
  return state?.queue ?? NONE;
}

/** A session's queue, live. */
export function useQueue(sessionId: string | undefined): UseQueue {
  const queue = useSessionSelector(sessionId, queueOf);
  const { act, error } = useSessionAction(sessionId);
  const functions = useMemo(
    () => ({
      updateMessage: (messageId: string, content: string) =>
        act((client, id) => client.updateMessage(id, messageId, content)),
      withdrawMessage: (messageId: string) => act((client, id) => client.withdrawMessage(id, messageId)),
    }),
    [act],
  );
  return { queue, error, ...functions };
}
