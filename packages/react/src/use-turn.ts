import type { ClientError, SessionSnapshot } from "@hhopkins/agent-runtime-client";
import type { EndedTurn, TurnState } from "@hhopkins/agent-runtime-protocol";
import { useCallback } from "react";
import { useSessionAction } from "./use-session-action.ts";
import { shallowEqual, useSessionSelector } from "./use-session-selector.ts";

export interface UseTurn {
  /** The running turn; undefined while the agent is idle. */
  readonly turn: TurnState | undefined;
  /** How the last one ended. */
  readonly lastTurn: EndedTurn | undefined;
  readonly isRunning: boolean;
  readonly interrupt: () => Promise<void>;
  readonly isInterrupting: boolean;
  readonly error: ClientError | undefined;
}

function turnOf({ state }: SessionSnapshot): Pick<UseTurn, "turn" | "lastTurn"> {
  return { turn: state?.turn ?? undefined, lastTurn: state?.lastTurn };
}

/** What a session is doing, live. */
export function useTurn(sessionId: string | undefined): UseTurn {
  const { turn, lastTurn } = useSessionSelector(sessionId, turnOf, shallowEqual);
  const { act, isRunning, error } = useSessionAction(sessionId);
  const interrupt = useCallback(() => act((client, id) => client.interrupt(id)), [act]);
  return { turn, lastTurn, isRunning: turn !== undefined, interrupt, isInterrupting: isRunning, error };
}
