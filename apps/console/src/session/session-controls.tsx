import { createContext, useContext } from "react";

/** What the parts of a session's page can do to the session, and what they share. */
export interface SessionControls {
  /** Lets one choose a turn to fork at; `blockId`: a block of the turn that is meant. */
  readonly openFork: (blockId?: string) => void;
  /** Lets one choose a turn to go back to. */
  readonly openRewind: (blockId?: string) => void;
  readonly openDelete: () => void;
  /** Stops the turn that runs; says so where that fails. */
  readonly interrupt: () => Promise<void>;
  /** The turn that was asked to stop at this page. */
  readonly interruptedTurnId: string | undefined;
  /** Shows an ask, and gives it the focus. */
  readonly showAsk: (askId: string) => void;
}

export const SessionControlsContext = createContext<SessionControls | undefined>(undefined);

/** Undefined outside of a session's page. */
export function useSessionControls(): SessionControls | undefined {
  return useContext(SessionControlsContext);
}

/** The element of an ask's card. */
export function askCardId(askId: string): string {
  return `ask-${askId}`;
}
