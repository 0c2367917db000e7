import { useSessionList, type UseSessionList } from "@hhopkins/agent-runtime-react";
import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";
import { createContext, useContext, useDeferredValue, useEffect, useMemo, useState } from "react";
import type { ReactNode } from "react";
import { matching, NO_FILTER, pageOf, type SessionFilter } from "./session-filter.ts";

/** Pages are walked to so many sessions; whoever has more narrows by profile or day, which the server does. */
const WALKED = 10_000;

export interface SessionListing extends UseSessionList {
  readonly filter: SessionFilter;
  readonly setFilter: (change: Partial<SessionFilter>) => void;
  /** Those of `sessions` that the filter lets through. */
  readonly found: readonly SessionListItem[];
  /** Pages are being looked through. */
  readonly isSearching: boolean;
  /** There are more than are looked through. */
  readonly isBounded: boolean;
}

const ListingContext = createContext<SessionListing | undefined>(undefined);

/** One list for the page, however many parts show it. */
export function SessionListingProvider({ children }: { readonly children: ReactNode }) {
  const [filter, setFilter] = useState(NO_FILTER);
  const page = useMemo(() => pageOf(filter), [filter]);
  const list = useSessionList(page);
  const { sessions, hasMore, isLoading, error, loadMore } = list;
  const wanted = useDeferredValue(filter);
  const found = useMemo(() => matching(sessions, wanted), [sessions, wanted]);
  // What the server cannot look for is looked for here, page by page.
  const isLocal = filter.text.trim() !== "" || filter.doing !== "";
  const isBounded = isLocal && hasMore && sessions.length >= WALKED;
  const walks = isLocal && hasMore && !isBounded && error === undefined;
  useEffect(() => {
    if (walks && !isLoading) void loadMore();
  }, [walks, isLoading, loadMore]);
  const value = useMemo<SessionListing>(
    () => ({
      ...list,
      filter,
      setFilter: (change) => setFilter((before) => ({ ...before, ...change })),
      found,
      isSearching: walks,
      isBounded,
    }),
    [list, filter, found, walks, isBounded],
  );
  return <ListingContext.Provider value={value}>{children}</ListingContext.Provider>;
}

export function useSessionListing(): SessionListing {
  const listing = useContext(ListingContext);
  if (listing === undefined) throw new Error("useSessionListing is for what is inside the <Shell>.");
  return listing;
}
