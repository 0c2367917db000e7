import { ClientError, type SessionSnapshot, type SessionStore } from "@hhopkins/agent-runtime-client";
import { useContext, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { useAgentService } from "./provider.ts";
import { StillStore } from "./session-state-provider.ts";

/** The store of a session; without an id one of nothing. Everybody below the provider shares it. */
export function useSessionStore(sessionId: string | undefined): SessionStore {
  const { stores } = useAgentService();
  const still = useContext(StillStore);
  return useMemo(() => {
    if (sessionId === undefined) return NO_SESSION;
    return still?.sessionId === sessionId ? still : stores.get(sessionId);
  }, [stores, still, sessionId]);
}

/**
 * What `select` takes from a session, live. The component renders again when that changes, as `isEqual` sees it, and not
 * when anything else does.
 */
export function useSessionSelector<T>(
  sessionId: string | undefined,
  select: (snapshot: SessionSnapshot) => T,
  isEqual: (a: T, b: T) => boolean = Object.is,
): T {
  const store = useSessionStore(sessionId);
  const shown = useRef<{ readonly value: T } | undefined>(undefined);
  const [read, readOnServer] = useMemo(() => {
    const selection = memoized(select, isEqual, () => shown.current);
    const empty = emptySnapshot(store.sessionId);
    const onServer = memoized(select, isEqual, () => undefined);
    return [() => selection(store.getSnapshot()), () => onServer(empty)];
  }, [store, select, isEqual]);
  const value = useSyncExternalStore(store.subscribe, read, readOnServer);
  useEffect(() => {
    shown.current = { value };
  }, [value]);
  return value;
}

/** `select`, with the value of before as long as it is equal; `shown` is what was rendered last, by whichever `select`. */
function memoized<T>(
  select: (snapshot: SessionSnapshot) => T,
  isEqual: (a: T, b: T) => boolean,
  shown: () => { readonly value: T } | undefined,
): (snapshot: SessionSnapshot) => T {
  let last: { readonly snapshot: SessionSnapshot; readonly value: T } | undefined;
  return (snapshot) => {
    if (last?.snapshot === snapshot) return last.value;
    const next = select(snapshot);
    const before = last ?? shown();
    const value = before !== undefined && isEqual(before.value, next) ? before.value : next;
    last = { snapshot, value };
    return value;
  };
}

function emptySnapshot(sessionId: string): SessionSnapshot {
  return { sessionId, connection: "idle", pending: [], older: {} };
}

const NOTHING = emptySnapshot("");

export function noSession(): ClientError {
  return new ClientError("no_session", "There is no session yet.");
}

const NO_SESSION: SessionStore = {
  sessionId: "",
  isIdle: true,
  getSnapshot: () => NOTHING,
  subscribe: () => () => {},
  sendMessage: (_content, { messageId = "" } = {}) => Promise.resolve({ messageId, error: noSession() }),
  retryMessage: (messageId) => Promise.resolve({ messageId, error: noSession() }),
  dropMessage: () => {},
  loadOlder: () => Promise.resolve(),
  load: () => Promise.reject(noSession()),
  wake: () => {},
  reload: () => {},
};

/** Whether two objects, or two lists, have the same members. */
export function shallowEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  // Long lists are compared with each frame.
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((member, index) => Object.is(member, b[index]));
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return (
    left.length === right.size && left.every(([name, value]) => right.has(name) && Object.is(value, right.get(name)))
  );
}
