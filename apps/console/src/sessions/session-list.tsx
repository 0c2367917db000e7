import { useVirtualizer } from "@tanstack/react-virtual";
import { MessagesSquare, SearchX } from "lucide-react";
import { useEffect, useRef } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import { useLocation } from "wouter";
import { sessionOf } from "../routes.ts";
import { useShell } from "../shell/shell-context.ts";
import { Button } from "../ui/button.tsx";
import { EmptyState } from "../ui/empty-state.tsx";
import { NO_FILTER, narrowing } from "./session-filter.ts";
import { useSessionListing } from "./session-listing.tsx";
import { ROW_HEIGHT, SessionRow } from "./session-row.tsx";

/** Rows before the end of what is here at which the next page is fetched. */
const AHEAD = 20;

/** The sessions that the filter lets through, as far as one scrolls. Arrow keys walk them. */
export function SessionList({ onOpen }: { readonly onOpen?: () => void }) {
  const { found, hasMore, isLoading, isSearching, loadMore, error } = useSessionListing();
  const [path] = useLocation();
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: found.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => found[index]?.sessionId ?? index,
    overscan: 6,
    paddingStart: 4,
    paddingEnd: 8,
  });
  const rows = virtual.getVirtualItems();
  const isNearEnd = (rows.at(-1)?.index ?? 0) >= found.length - AHEAD;
  useEffect(() => {
    if (isNearEnd && hasMore && !isLoading && !isSearching && error === undefined) void loadMore();
  }, [isNearEnd, hasMore, isLoading, isSearching, error, loadMore]);

  // A row that is far away has the focus once it is drawn.
  const wanted = useRef<number>(undefined);
  const focusWanted = (): void => {
    const { activeElement } = document;
    const isElsewhere = activeElement !== document.body && scroller.current?.contains(activeElement) !== true;
    const link = scroller.current?.querySelector<HTMLElement>(`[data-index="${wanted.current}"] a`);
    if (!isElsewhere) link?.focus();
    if (isElsewhere || link) wanted.current = undefined;
  };
  useEffect(() => {
    if (wanted.current !== undefined) focusWanted();
  });

  const walk = (event: KeyboardEvent<HTMLElement>): void => {
    const row = (event.target as HTMLElement).closest<HTMLElement>("[data-index]");
    const next = row === null ? undefined : nextIndex(event.key, Number(row.dataset["index"]), found.length);
    if (next === undefined) return;
    event.preventDefault();
    wanted.current = next;
    virtual.scrollToIndex(next);
    focusWanted();
  };
  if (found.length === 0) return <NoSessions />;
  const open = sessionOf(path);
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- the keys are those of the links inside
    <div ref={scroller} onKeyDown={walk} className="min-h-0 flex-1 overflow-y-auto px-2">
      <ul aria-label="Sessions" className="relative" style={{ height: virtual.getTotalSize() }}>
        {rows.map(({ index, key, start }) => {
          const session = found[index];
          if (session === undefined) return null;
          return (
            <li
              key={key}
              data-index={index}
              aria-posinset={index + 1}
              aria-setsize={hasMore ? -1 : found.length}
              className="absolute inset-x-0 top-0"
              style={{ height: ROW_HEIGHT, transform: `translateY(${start}px)` }}
            >
              <SessionRow session={session} isOpen={session.sessionId === open} onOpen={onOpen} />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function nextIndex(key: string, index: number, count: number): number | undefined {
  switch (key) {
    case "ArrowDown":
      return Math.min(index + 1, count - 1);
    case "ArrowUp":
      return Math.max(index - 1, 0);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return undefined;
  }
}

function NoSessions(): ReactNode {
  const { filter, setFilter, isLoading, isSearching, error } = useSessionListing();
  const { newSession } = useShell();
  if (error !== undefined) return null;
  if (isLoading || isSearching)
    return (
      <p role="status" className="m-auto text-muted">
        {isSearching ? "Searching …" : "Loading …"}
      </p>
    );
  if (filter.text !== "" || narrowing(filter) > 0)
    return (
      <EmptyState icon={<SearchX />} title="No session is like that">
        <Button onClick={() => setFilter(NO_FILTER)}>Show all</Button>
      </EmptyState>
    );
  return (
    <EmptyState icon={<MessagesSquare />} title="No sessions yet">
      <p>A session is one conversation with an agent, and the workspace that it works in.</p>
      <Button tone="accent" onClick={() => newSession()}>
        New session
      </Button>
    </EmptyState>
  );
}
