import { ClientError, olderCursor, type SessionSnapshot, type SessionStore } from "@hhopkins/agent-runtime-client";
import { MAIN_CONVERSATION, type BlocksPage, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { createContext, createElement, useMemo } from "react";
import type { ReactElement, ReactNode } from "react";

export interface SessionStateProviderProps {
  readonly sessionId: string;
  /** What the hooks below show of this session; undefined: the session itself, live. */
  readonly state: SessionState | undefined;
  /** The blocks before one of `state`, for `loadOlder`; without it there are none. Keep its identity too. */
  readonly readBlocks?: (conversationId: string, before: string) => BlocksPage;
  readonly children?: ReactNode;
}

/** The store that stands in place of a session's own. */
export const StillStore = createContext<SessionStore | undefined>(undefined);

/**
 * Shows one state of a session to all hooks below it that have its id, such as one of the past that was made of its log.
 * Nothing is followed there, and what would change the session is refused. Keep the identity of `state` while it is the
 * same.
 */
export function SessionStateProvider(props: SessionStateProviderProps): ReactElement {
  const { sessionId, state, readBlocks, children } = props;
  const store = useMemo(
    () => (state === undefined ? undefined : stillStore(sessionId, state, readBlocks)),
    [sessionId, state, readBlocks],
  );
  return createElement(StillStore.Provider, { value: store }, children);
}

export function notLive(): ClientError {
  return new ClientError("not_live", "This is the session as it was: nothing can be done to it from here.");
}

function stillStore(
  sessionId: string,
  state: SessionState,
  readBlocks: SessionStateProviderProps["readBlocks"],
): SessionStore {
  let snapshot: SessionSnapshot = { sessionId, state, connection: "idle", pending: [], older: {} };
  const listeners = new Set<() => void>();
  const loaded = Promise.resolve(state);
  const refuse = (messageId: string) => Promise.resolve({ messageId, error: notLive() });
  return {
    sessionId,
    isIdle: true,
    getSnapshot: () => snapshot,
    subscribe(listener) {
      const own = (): void => listener();
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    sendMessage: (_content, { messageId = "" } = {}) => refuse(messageId),
    retryMessage: refuse,
    dropMessage: () => {},
    loadOlder(conversationId = MAIN_CONVERSATION) {
      const before = olderCursor(snapshot, conversationId);
      if (before === undefined) return Promise.resolve();
      const page = readBlocks?.(conversationId, before) ?? { blocks: [] };
      const { older } = snapshot;
      const blocks = [...page.blocks, ...(older[conversationId]?.blocks ?? [])];
      const next = page.before === undefined ? {} : { before: page.before };
      snapshot = { ...snapshot, older: { ...older, [conversationId]: { blocks, isLoading: false, ...next } } };
      for (const listener of listeners) listener();
      return Promise.resolve();
    },
    load: () => loaded,
    wake: () => {},
    reload: () => {},
  };
}
