import type { ClientError, SessionSnapshot } from "@hhopkins/agent-runtime-client";
import { useCallback } from "react";
import { shallowEqual, useSessionSelector, useSessionStore } from "./use-session-selector.ts";

export interface UseConnection {
  /** `failed` is final until `reload`: the key is wrong, or there is no such session. */
  readonly status: SessionSnapshot["connection"];
  readonly isLive: boolean;
  readonly error: ClientError | undefined;
  /** Begins anew, with a new snapshot. */
  readonly reload: () => void;
}

function connectionOf({ connection, error }: SessionSnapshot): Pick<UseConnection, "status" | "error"> {
  return { status: connection, error };
}

/** Whether what is shown is what the server has. */
export function useConnection(sessionId: string | undefined): UseConnection {
  const store = useSessionStore(sessionId);
  const { status, error } = useSessionSelector(sessionId, connectionOf, shallowEqual);
  return { status, isLive: status === "live", error, reload: useCallback(() => store.reload(), [store]) };
}
