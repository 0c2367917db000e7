import type { EventDraft, SandboxStatus, SessionState } from "@hhopkins/agent-runtime-protocol";
import type { LogWrite } from "../log/session-log.ts";
import type { SessionParts } from "./session-parts.ts";

/** Where the sandbox stands that is spoken of. */
export interface SandboxSituation {
  /** Absent before the provider has given one. */
  readonly sandboxId: string | undefined;
  /** 1 is the session's first one. */
  readonly generation: number;
}

export interface StatusSession {
  readonly key: { readonly sessionId: string };
  state(): SessionState;
  write(write: LogWrite): Promise<void>;
}

/** Says in the log how a session's sandbox is. */
export class SandboxStatusTeller {
  readonly #parts: SessionParts;
  readonly #session: StatusSession;
  readonly #now: () => SandboxSituation;

  constructor(parts: SessionParts, session: StatusSession, now: () => SandboxSituation) {
    this.#parts = parts;
    this.#session = session;
    this.#now = now;
  }

  /** A `session:status`, as of now; `about` where the sandbox is not yet, or no more, the one that runs. */
  event(
    status: SandboxStatus,
    statusMessage?: string,
    about: Partial<SandboxSituation> & { loaded?: boolean } = {},
  ): EventDraft {
    const { sandboxId, generation } = { ...this.#now(), ...about };
    return {
      type: "session:status",
      data: {
        sessionId: this.#session.key.sessionId,
        runtime: {
          isLoaded: about.loaded ?? true,
          sandbox: {
            ...(sandboxId === undefined ? {} : { sandboxId }),
            status,
            ...(statusMessage === undefined ? {} : { statusMessage }),
            restartCount: Math.max(0, generation - 1),
            lastHealthCheck: this.#parts.now().toISOString(),
          },
        },
      },
    };
  }

  /** Without waiting for it. */
  tell(status: SandboxStatus, message: string): void {
    this.#session
      .write({ events: [this.event(status, message)] })
      .catch((error: unknown) => this.warn(error, "a status could not be saved"));
  }

  /** A status that is told again and again makes one event. */
  async tellOnce(status: SandboxStatus, message: string | undefined): Promise<void> {
    const { sandbox } = this.#session.state().runtime;
    if (sandbox?.status === status && sandbox.statusMessage === message) return;
    const about = sandbox?.sandboxId === undefined ? {} : { sandboxId: sandbox.sandboxId };
    await this.#session.write({ events: [this.event(status, message, about)] });
  }

  /** For the server's log. */
  warn(error: unknown, message: string): void {
    this.#parts.log.warn({ err: error, sessionId: this.#session.key.sessionId }, message);
  }
}
