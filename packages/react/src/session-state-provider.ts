import { ClientError, type SessionSnapshot, type SessionStore } from "@hhopkins/agent-runtime-client";
import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import { createContext, createElement, useMemo } from "react";
import type { ReactElement, ReactNode } from "react";

export interface SessionStateProviderProps {
  readonly sessionId: string;
  /** What the hooks below show of this session; undefined: the session itself, live. */
  readonly state: SessionState | undefined;
  readonly children?: ReactNode;
}

/** The store that stands in place of a session's own. */
export const StillStore = createContext<SessionStore | undefined>(undefined);

/**
 * Shows one state of a session to all hooks below it that have its id, such as one of the past that was made of its log.
 * Nothing is followed there, and messages are not sent. Keep the identity of `state` while it is the same.
 */
export function SessionStateProvider({ sessionId, state, children }: SessionStateProviderProps): ReactElement {
  const store = useMemo(() => (state === undefined ? undefined : stillStore(sessionId, state)), [sessionId, state]);
  return createElement(StillStore.Provider, { value: store }, children);
}

function stillStore(sessionId: string, state: SessionState): SessionStore {
  const snapshot: SessionSnapshot = { sessionId, state, connection: "idle", pending: [], older: {} };
  const loaded = Promise.resolve(state);
  const refuse = (messageId: string) =>
    Promise.resolve({
      messageId,
      error: new ClientError("not_live", "This is the session as it was: nothing can be sent from here."),
    });
  return {
    sessionId,
    isIdle: true,
    getSnapshot: () => snapshot,
    subscribe: () => () => {},
    sendMessage: (_content, { messageId = "" } = {}) => refuse(messageId),
    retryMessage: refuse,
    dropMessage: () => {},
    loadOlder: () => Promise.resolve(),
    load: () => loaded,
    reload: () => {},
  };
}
