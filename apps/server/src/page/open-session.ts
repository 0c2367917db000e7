import type { AgentClient, ConnectionStatus, Following } from "@hhopkins/agent-runtime-client";
import type { SessionState } from "@hhopkins/agent-runtime-protocol";

export interface OpenSessionHandlers {
  readonly onState: (state: SessionState) => void;
  readonly onConnection: (status: ConnectionStatus) => void;
  readonly onFault: (error: { code: string; message: string } | null) => void;
}

/** Follows one session and hands its state on at the pace of the screen. */
export function openSession(client: AgentClient, sessionId: string, handlers: OpenSessionHandlers): Following {
  let latest: SessionState | undefined;
  const draw = (): void => {
    if (latest !== undefined) handlers.onState(latest);
    latest = undefined;
  };
  return client.follow(sessionId, {
    onState(state) {
      if (latest === undefined) schedule(draw);
      latest = state;
    },
    onConnection(status) {
      handlers.onConnection(status);
      if (status === "live") handlers.onFault(null);
    },
    onError: (error) => handlers.onFault({ code: error.code, message: error.message }),
  });
}

/** A hidden page is given no frames to draw in, and is to be up to date all the same. */
function schedule(draw: () => void): void {
  if (document.hidden) setTimeout(draw, 200);
  else requestAnimationFrame(draw);
}
