import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";
import { asClientError, type ClientError } from "../client-error.ts";
import type { AgentClient, ListSessionsOptions } from "../client.ts";
import { BACKOFF, waitBefore } from "../follow/backoff.ts";
import type { Watching } from "../follow/list-watcher.ts";
import { passes, type ListFilter } from "./list-filter.ts";

export interface SessionListSnapshot {
  /** Those that were loaded, the latest activity first (or as `order` says). */
  readonly sessions: readonly SessionListItem[];
  /** True from the start, until there is an answer. */
  readonly isLoading: boolean;
  /** Whether `loadMore` would bring more. */
  readonly hasMore: boolean;
  readonly error?: ClientError;
}

/** Sessions of a page, and the most that one may have. */
const [PAGE, MOST] = [50, 500];

/** A session's item as it is now; without one it is gone. */
interface Told {
  readonly sessionId: string;
  readonly session: SessionListItem | undefined;
}

/** The list of sessions, live while somebody subscribes. */
export interface SessionListStore {
  getSnapshot(): SessionListSnapshot;
  subscribe(listener: () => void): () => void;
  /** Fetches the list anew. Never rejects: the snapshot has the error. */
  refresh(): Promise<void>;
  /** The next page. */
  loadMore(): Promise<void>;
}

/** `page`: which sessions, in which order. With a filter, sessions come and go as they begin and cease to pass it. */
export function createSessionListStore(client: AgentClient, page: ListSessionsOptions = {}): SessionListStore {
  const { limit: _limit, cursor: _cursor, order = "activity", ...filter } = page;
  const listeners = new Set<() => void>();
  let snapshot: SessionListSnapshot = { sessions: [], isLoading: true, hasMore: false };
  let cursor: string | undefined;
  let watching: Watching | undefined;
  /** The fetch that counts; an older one has nothing to say any more. */
  let latest = 0;
  /** What is told while a fetch is under way: it is newer than the answer. */
  let told: Told[] | undefined;

  /** Of fetches in a row, and the one to come. */
  let failures = 0;
  let retrying: ReturnType<typeof setTimeout> | undefined;

  const show = (next: SessionListSnapshot): void => {
    snapshot = next;
    for (const listener of listeners) listener();
  };
  const put = (sessions: readonly SessionListItem[], more: Omit<SessionListSnapshot, "sessions"> = snapshot): void =>
    show({ ...more, sessions: sessions.toSorted((a, b) => latestFirst(time(a, order), time(b, order))) });
  const take = (one: Told): void => {
    told?.push(one);
    const sessions = changed(snapshot.sessions, one, filter);
    if (sessions !== snapshot.sessions) put(sessions);
  };
  /** A server that is away, starting or overwhelmed is asked again, also where the line to it holds. */
  const fail = (error: ClientError, from: string | undefined): void => {
    show({ ...snapshot, isLoading: false, error });
    const isPassing = error.code === "unreachable" || error.status === 429 || (error.status ?? 0) >= 500;
    if (!isPassing || watching === undefined) return;
    failures += 1;
    retrying = setTimeout(() => void fetchPage(from), waitBefore(failures, BACKOFF, Math.random));
  };
  const fetchPage = async (from: string | undefined): Promise<void> => {
    clearTimeout(retrying);
    latest += 1;
    const own = latest;
    const meanwhile: Told[] = (told = []);
    // What went wrong before stays true until there is an answer.
    show({ ...snapshot, isLoading: true });
    try {
      const part = from === undefined ? { limit: asMany(snapshot.sessions.length) } : { cursor: from };
      const answer = await client.listSessions({ ...page, ...part });
      if (own !== latest) return;
      cursor = answer.nextCursor;
      const before = from === undefined ? [] : snapshot.sessions;
      const fetched = answer.sessions.filter(({ sessionId }) => !has(before, sessionId));
      const sessions = meanwhile.reduce<readonly SessionListItem[]>(
        (all, one) => changed(all, one, filter),
        [...before, ...fetched],
      );
      failures = 0;
      put(sessions, { isLoading: false, hasMore: cursor !== undefined });
    } catch (error) {
      if (own === latest) fail(asClientError(error), from);
    } finally {
      if (own === latest) told = undefined;
    }
  };
  /** What was scrolled to stays in view when the list is fetched anew. */
  const asMany = (shown: number): number => Math.min(MOST, Math.max(page.limit ?? PAGE, shown));
  const refresh = (): Promise<void> => fetchPage(undefined);
  const watch = (): Watching =>
    client.watchSessions({
      onConnection: (status) => {
        if (status === "live") void refresh();
      },
      onUpdated: (session) => take({ sessionId: session.sessionId, session }),
      onRemoved: (sessionId) => take({ sessionId, session: undefined }),
      onError: (error) => show({ ...snapshot, isLoading: false, error }),
    });
  return {
    getSnapshot: () => snapshot,
    subscribe(listener) {
      const own = (): void => listener();
      listeners.add(own);
      if (watching === undefined) {
        watching = watch();
        void refresh();
      }
      return () => {
        if (!listeners.delete(own) || listeners.size > 0) return;
        watching?.stop();
        watching = undefined;
        clearTimeout(retrying);
      };
    },
    refresh,
    loadMore: () => (cursor === undefined || snapshot.isLoading ? Promise.resolve() : fetchPage(cursor)),
  };
}

function changed(
  sessions: readonly SessionListItem[],
  { sessionId, session }: Told,
  filter: ListFilter,
): readonly SessionListItem[] {
  const others = sessions.filter((one) => one.sessionId !== sessionId);
  if (session !== undefined && passes(session, filter)) return [...others, session];
  return others.length < sessions.length ? others : sessions;
}

function latestFirst(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? 1 : -1;
}

function has(sessions: readonly SessionListItem[], sessionId: string): boolean {
  return sessions.some((session) => session.sessionId === sessionId);
}

function time(session: SessionListItem, order: "activity" | "created"): string {
  return order === "created" ? session.createdAt : (session.lastActivity ?? session.createdAt);
}
