import { createContext, useContext } from "react";

/** A place in a session's log that is shown instead of now. */
export interface Past {
  readonly seq: number;
  /** When that was, ISO 8601. */
  readonly at: string | undefined;
}

const PastContext = createContext<Past | undefined>(undefined);

export const PastProvider = PastContext.Provider;

/** Which past is shown; undefined: it is now. In the past nothing can be sent, answered or changed. */
export function usePast(): Past | undefined {
  return useContext(PastContext);
}
