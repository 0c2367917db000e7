import {
  createSessionListStore,
  type ClientError,
  type ListSessionsOptions,
  type SessionListSnapshot,
} from "@hhopkins/agent-runtime-client";
import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";
import { useMemo, useSyncExternalStore } from "react";
import { useAgentService } from "./provider.ts";

export interface UseSessionList {
  readonly sessions: readonly SessionListItem[];
  readonly isLoading: boolean;
  readonly error: ClientError | undefined;
  /** Fetches the list anew; it is live by itself. */
  readonly refresh: () => Promise<void>;
  readonly hasMore: boolean;
  readonly loadMore: () => Promise<void>;
}

const NOTHING: SessionListSnapshot = { sessions: [], isLoading: true, hasMore: false };
const nothing = (): SessionListSnapshot => NOTHING;

/** The sessions, live. `page`: which of them, in which order. */
export function useSessionList(page?: ListSessionsOptions): UseSessionList {
  const { client, list } = useAgentService();
  const wanted = JSON.stringify(page ?? {});
  const store = useMemo(
    () => (wanted === "{}" ? list : createSessionListStore(client, JSON.parse(wanted) as ListSessionsOptions)),
    [client, list, wanted],
  );
  const { sessions, isLoading, hasMore, error } = useSyncExternalStore(store.subscribe, store.getSnapshot, nothing);
  return { sessions, isLoading, hasMore, error, refresh: store.refresh, loadMore: store.loadMore };
}
