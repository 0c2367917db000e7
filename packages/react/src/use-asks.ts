import type { ClientError, SessionSnapshot } from "@hhopkins/agent-runtime-client";
import type { Ask, AskAnswer } from "@hhopkins/agent-runtime-protocol";
import { useCallback } from "react";
import { useSessionAction } from "./use-session-action.ts";
import { useSessionSelector } from "./use-session-selector.ts";

export interface UseAsks {
  /** What the agent and its subagents wait for people with, oldest first. */
  readonly asks: readonly Ask[];
  /** Answers one, once; it goes from `asks` when the log has the answer. Rejects with `ClientError`, and `error` shows it. */
  readonly answerAsk: (askId: string, answer: AskAnswer) => Promise<void>;
  readonly isAnswering: boolean;
  readonly error: ClientError | undefined;
}

const NONE: readonly Ask[] = [];

function asksOf({ state }: SessionSnapshot): readonly Ask[] {
  return state?.asks ?? NONE;
}

/** A session's open asks, live: permissions, questions, plans. */
export function useAsks(sessionId: string | undefined): UseAsks {
  const asks = useSessionSelector(sessionId, asksOf);
  const { act, isRunning, error } = useSessionAction(sessionId);
  const answerAsk = useCallback(
    (askId: string, answer: AskAnswer) =>
      act(async (client, id) => {
        await client.answerAsk(id, askId, answer);
      }),
    [act],
  );
  return { asks, answerAsk, isAnswering: isRunning, error };
}
