import type { SessionState } from "@hhopkins/agent-runtime-protocol";

/** How a session is looked at and followed, in this process or over a socket. */
export interface WatchedSession {
  readonly sessionId: string;
  state(sessionId: string): Promise<SessionState>;
  /** The event stream's answer to `path`. */
  events(path: string, signal: AbortSignal): Promise<Response>;
}

/** Waits, by the event stream, until the state fulfils `condition`. */
export async function untilState(
  session: WatchedSession,
  condition: (state: SessionState) => boolean,
): Promise<SessionState> {
  const { sessionId } = session;
  const first = await session.state(sessionId);
  if (condition(first)) return first;
  const stop = new AbortController();
  const response = await session.events(`/sessions/${sessionId}/events?after=${first.lastSeq}`, stop.signal);
  if (response.body === null) throw new Error("no event stream");
  try {
    // Each chunk is a sign that something happened; the state says what.
    for await (const _chunk of response.body) {
      const now = await session.state(sessionId);
      if (condition(now)) return now;
    }
  } finally {
    stop.abort();
  }
  throw new Error(`the event stream of ${sessionId} ended before the condition held`);
}
