import type { ClientError, SessionSnapshot } from "@hhopkins/agent-runtime-client";
import type { QueuedMessage } from "@hhopkins/agent-runtime-protocol";
import { useMemo } from "react";
import { useAgentService } from "./provider.ts";
import { useAction } from "./use-action.ts";
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
  const { client } = useAgentService();
  const queue = useSessionSelector(sessionId, queueOf);
  const { run, error } = useAction(sessionId);
  const functions = useMemo(
    () => ({
      updateMessage: (messageId: string, content: string) =>
        run(() => client.updateMessage(sessionId ?? "", messageId, content)),
      withdrawMessage: (messageId: string) => run(() => client.withdrawMessage(sessionId ?? "", messageId)),
    }),
    [client, run, sessionId],
  );
  return { queue, error, ...functions };
}
