import type { AgentClient } from "@hhopkins/agent-runtime-client";
import { useCallback, useContext } from "react";
import { useAgentService } from "./provider.ts";
import { notLive, StillStore } from "./session-state-provider.ts";
import { useAction, type Action } from "./use-action.ts";
import { noSession } from "./use-session-selector.ts";

export interface SessionAction extends Pick<Action, "isRunning" | "error"> {
  /** Does it to the session. Rejects where there is none yet, and where one state of it is shown that is not the last. */
  readonly act: <T>(work: (client: AgentClient, sessionId: string) => Promise<T>) => Promise<T>;
}

/** What a person asks of a session, as a component shows it. */
export function useSessionAction(sessionId: string | undefined): SessionAction {
  const { client } = useAgentService();
  const { run, isRunning, error } = useAction(sessionId);
  const isStill = useContext(StillStore)?.sessionId === sessionId;
  const act = useCallback<SessionAction["act"]>(
    (work) =>
      run(async () => {
        if (sessionId === undefined) throw noSession();
        if (isStill) throw notLive();
        return work(client, sessionId);
      }),
    [client, run, sessionId, isStill],
  );
  return { act, isRunning, error };
}
