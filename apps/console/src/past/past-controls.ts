import type { SessionSnapshot } from "@hhopkins/agent-runtime-client";
import { useAgentService } from "@hhopkins/agent-runtime-react";
import { createContext, useContext, useSyncExternalStore } from "react";
import type { Tape, TapeSnapshot } from "./tape.ts";

/** How the parts of a session's page reach its log. */
export interface PastControls {
  readonly tape: Tape | undefined;
  /** The place that is looked at; undefined: now. */
  readonly seq: number | undefined;
  /** Shows the session as it was at a place; without one as it is. */
  readonly goTo: (seq: number | undefined) => void;
  /** Reads the log from its beginning, however long it is. */
  readonly readAll: () => void;
}

const NO_CONTROLS: PastControls = { tape: undefined, seq: undefined, goTo: () => {}, readAll: () => {} };

export const PastControlsContext = createContext<PastControls>(NO_CONTROLS);

export function usePastControls(): PastControls {
  return useContext(PastControlsContext);
}

/** What the log of the page's session has of itself here. */
export function useTape(): TapeSnapshot {
  const { tape } = usePastControls();
  return useTapeSnapshot(tape);
}

const NO_TAPE: TapeSnapshot = {
  events: [],
  after: undefined,
  timeline: undefined,
  isReading: false,
  error: undefined,
};
const never = (): (() => void) => () => {};

export function useTapeSnapshot(tape: Tape | undefined): TapeSnapshot {
  return useSyncExternalStore(tape?.subscribe ?? never, tape?.getSnapshot ?? (() => NO_TAPE));
}

/** Something of a session as it is now, also where the page shows its past. `select` answers a value that is compared by identity. */
export function useLiveValue<T extends string | number | undefined>(
  sessionId: string,
  select: (snapshot: SessionSnapshot) => T,
): T {
  const store = useAgentService().stores.get(sessionId);
  return useSyncExternalStore(store.subscribe, () => select(store.getSnapshot()));
}
