import type { EventDraft, SandboxStatus } from "@hhopkins/agent-runtime-protocol";

export interface SandboxSituation {
  readonly status: SandboxStatus;
  readonly statusMessage: string | undefined;
  /** Absent before the provider has given one. */
  readonly sandboxId: string | undefined;
  /** Of the sandbox: 1 is the session's first one. */
  readonly generation: number;
  /** Whether a server holds the session. */
  readonly loaded: boolean;
  readonly now: Date;
}

/** The event that tells how a session's sandbox is. */
export function sandboxStatusEvent(sessionId: string, situation: SandboxSituation): EventDraft {
  const { status, statusMessage, sandboxId, generation, loaded, now } = situation;
  return {
    type: "session:status",
    data: {
      sessionId,
      runtime: {
        isLoaded: loaded,
        sandbox: {
          ...(sandboxId === undefined ? {} : { sandboxId }),
          status,
          ...(statusMessage === undefined ? {} : { statusMessage }),
          restartCount: Math.max(0, generation - 1),
          lastHealthCheck: now.toISOString(),
        },
      },
    },
  };
}
