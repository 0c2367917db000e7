import { useAgentService } from "@hhopkins/agent-runtime-react";
import { useEffect, useState } from "react";
import { errorText } from "../ui/error-text.ts";
import { readTurns, type SessionTurn } from "./session-turns.ts";

interface SessionTurns {
  /** The latest first; undefined while the log is read. */
  readonly turns: readonly SessionTurn[] | undefined;
  readonly error: string | undefined;
}

/** The turns of a session, out of its log, as they are when this begins. */
export function useSessionTurns(sessionId: string): SessionTurns {
  const { client } = useAgentService();
  const [read, setRead] = useState<SessionTurns>({ turns: undefined, error: undefined });
  useEffect(() => {
    const reading = new AbortController();
    readTurns(client.readEvents(sessionId, { signal: reading.signal })).then(
      (turns) => !reading.signal.aborted && setRead({ turns: turns.toReversed(), error: undefined }),
      (error: unknown) => !reading.signal.aborted && setRead({ turns: undefined, error: errorText(error) }),
    );
    return () => reading.abort();
  }, [client, sessionId]);
  return read;
}
