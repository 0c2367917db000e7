import type { ClientError } from "@hhopkins/agent-runtime-client";
import type { Ask, AskAnswer } from "@hhopkins/agent-runtime-protocol";
import { useMemo } from "react";
import { useAsks } from "../use-asks.ts";

export interface UseApproval {
  /** Undefined once it is answered, by whomever. */
  readonly ask: Ask | undefined;
  /** Of a permission: the tool, and what it is to be called with. */
  readonly toolName: string | undefined;
  readonly input: Readonly<Record<string, unknown>> | undefined;
  /** Whether `allowForSession` would spare the next such ask. */
  readonly canAllowForSession: boolean;
  readonly allow: (more?: Omit<Extract<AskAnswer, { decision: "allow" }>, "decision">) => Promise<void>;
  readonly allowForSession: () => Promise<void>;
  readonly deny: (reason?: string) => Promise<void>;
  readonly isAnswering: boolean;
  readonly error: ClientError | undefined;
}

/** A card for one ask: what it is about, and its answers. */
export function useApproval(sessionId: string | undefined, askId: string): UseApproval {
  const { asks, answerAsk, isAnswering, error } = useAsks(sessionId);
  const ask = asks.find((one) => one.askId === askId);
  const answers = useMemo(
    () => ({
      allow: (more: Parameters<UseApproval["allow"]>[0] = {}) => answerAsk(askId, { decision: "allow", ...more }),
      allowForSession: () => answerAsk(askId, { decision: "allow", scope: "session" }),
      deny: (reason?: string) => answerAsk(askId, { decision: "deny", ...(reason === undefined ? {} : { reason }) }),
    }),
    [answerAsk, askId],
  );
  const { toolName, input } = ask?.details ?? {};
  return {
    ask,
    toolName: typeof toolName === "string" ? toolName : undefined,
    input: typeof input === "object" && input !== null ? (input as Record<string, unknown>) : undefined,
    canAllowForSession: ask?.kind === "permission" && ask.rule !== undefined,
    ...answers,
    isAnswering,
    error,
  };
}
