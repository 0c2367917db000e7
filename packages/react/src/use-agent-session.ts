import type { ClientError, SessionSnapshot } from "@hhopkins/agent-runtime-client";
import type {
  CreateSessionBody,
  SessionRuntimeState,
  SessionState,
  UpdateOptionsBody,
} from "@hhopkins/agent-runtime-protocol";
import { useCallback, useContext, useMemo, useRef, useState } from "react";
import { useAgentService } from "./provider.ts";
import { notLive, StillStore } from "./session-state-provider.ts";
import { useAction } from "./use-action.ts";
import { noSession, shallowEqual, useSessionSelector } from "./use-session-selector.ts";

type Shown =
  | "sessionId"
  | "type"
  | "agentProfileReference"
  | "name"
  | "createdAt"
  | "lastActivity"
  | "sessionOptions"
  | "metadata"
  | "profileVersion"
  | "forkedFrom";

/** What a session is, without what it says and does: that have the other hooks. */
export type SessionInfo = Pick<SessionState, Shown>;

export type CreateSessionOptions = Omit<CreateSessionBody, "agentProfileRef" | "architecture">;

export interface UseAgentSession {
  /** Undefined before it is loaded. */
  readonly session: SessionInfo | undefined;
  /** Whether it is in a server's memory, and its sandbox. */
  readonly runtime: SessionRuntimeState | undefined;
  /** It is being created, or its state is not there yet. */
  readonly isLoading: boolean;
  /** What stands in the way, or why the last of the functions below failed. */
  readonly error: ClientError | undefined;
  /** Creates a session and follows it; answers its id. */
  readonly createSession: (profileRef: string, architecture: string, options?: CreateSessionOptions) => Promise<string>;
  /** Follows another session from here on; resolves with its state once it is there. */
  readonly loadSession: (sessionId: string) => Promise<SessionState>;
  /** Deletes the session and all that it has. */
  readonly destroySession: () => Promise<void>;
  /** Saves its workspace now. */
  readonly syncSession: () => Promise<void>;
  readonly updateSessionOptions: (options: UpdateOptionsBody) => Promise<void>;
}

/**
 * One session: the one with this id, or the one that was created or loaded last by this hook. The functions reject with
 * `ClientError`, and `error` shows it; where nobody waits for them that is enough.
 */
export function useAgentSession(sessionId?: string): UseAgentSession {
  const { client, stores } = useAgentService();
  const [chosen, setChosen] = useState<{ readonly under: string | undefined; readonly id: string | undefined }>();
  const id = chosen !== undefined && chosen.under === sessionId ? chosen.id : sessionId;
  const choose = useCallback((next: string | undefined) => setChosen({ under: sessionId, id: next }), [sessionId]);
  const { run, isRunning, error: failure } = useAction(sessionId);
  const creating = useAction(sessionId);
  const create = creating.run;
  const session = useSessionSelector(id, infoOf, shallowEqual);
  const runtime = useSessionSelector(id, runtimeOf);
  const isMissing = useSessionSelector(id, isStateMissing);
  const fault = useSessionSelector(id, errorOf);

  const isStill = useContext(StillStore)?.sessionId === id;
  const asked = useRef(0);
  const functions = useMemo(() => {
    const withSession = (work: (own: string) => Promise<void>): Promise<void> =>
      run(async () => {
        if (id === undefined) throw noSession();
        if (isStill) throw notLive();
        return work(id);
      });
    return {
      createSession: (...[agentProfileRef, architecture, options = {}]: Parameters<UseAgentSession["createSession"]>) =>
        create(async () => {
          const own = (asked.current += 1);
          const made = await client.createSession({ ...options, agentProfileRef, architecture });
          // Whoever asked for another one meanwhile wants that.
          if (own === asked.current) choose(made.sessionId);
          return made.sessionId;
        }),
      loadSession: (next: string) =>
        run(() => {
          asked.current += 1;
          choose(next);
          return stores.get(next).load();
        }),
      destroySession: () =>
        withSession(async (own) => {
          await client.deleteSession(own);
          setChosen((before) =>
            before === undefined || before.id === own ? { under: sessionId, id: undefined } : before,
          );
        }),
      syncSession: () => withSession((own) => client.sync(own)),
      updateSessionOptions: (options: UpdateOptionsBody) => withSession((own) => client.updateOptions(own, options)),
    };
  }, [client, stores, run, create, choose, id, isStill, sessionId]);
  return {
    session,
    runtime,
    isLoading: creating.isRunning || (id !== undefined && isMissing),
    error: fault ?? creating.error ?? (isRunning ? undefined : failure),
    ...functions,
  };
}

/** What a session is; undefined before it is loaded. */
export function infoOf({ state }: SessionSnapshot): SessionInfo | undefined {
  if (state === undefined) return undefined;
  const { sessionId, type, agentProfileReference, name, createdAt } = state;
  const { lastActivity, sessionOptions, metadata, profileVersion, forkedFrom } = state;
  return {
    sessionId,
    type,
    agentProfileReference,
    createdAt,
    ...(name === undefined ? {} : { name }),
    ...(lastActivity === undefined ? {} : { lastActivity }),
    ...(sessionOptions === undefined ? {} : { sessionOptions }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(profileVersion === undefined ? {} : { profileVersion }),
    ...(forkedFrom === undefined ? {} : { forkedFrom }),
  };
}

function runtimeOf({ state }: SessionSnapshot): SessionRuntimeState | undefined {
  return state?.runtime;
}

function isStateMissing({ state, connection }: SessionSnapshot): boolean {
  return state === undefined && connection !== "failed";
}

function errorOf({ error }: SessionSnapshot): ClientError | undefined {
  return error;
}
