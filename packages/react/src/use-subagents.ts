import type { SessionSnapshot } from "@hhopkins/agent-runtime-client";
import type { SubagentState } from "@hhopkins/agent-runtime-protocol";
import { useCallback } from "react";
import { useSessionSelector } from "./use-session-selector.ts";

export interface UseSubagents {
  /** With their conversations; `useMessages(sessionId, { conversationId })` has one with its older blocks. */
  readonly subagents: readonly SubagentState[];
  readonly getSubagent: (subagentId: string) => SubagentState | undefined;
}

const NONE: readonly SubagentState[] = [];

function subagentsOf({ state }: SessionSnapshot): readonly SubagentState[] {
  return state?.subagents ?? NONE;
}

/** A session's subagents, live. */
export function useSubagents(sessionId: string | undefined): UseSubagents {
  const subagents = useSessionSelector(sessionId, subagentsOf);
  return { subagents, getSubagent: useCallback((id) => subagents.find((one) => one.id === id), [subagents]) };
}
