/** What the start of a session's sandbox says in the log, and puts into the sandbox. */
import type { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import type { StoredSandbox } from "../persistence/session-store.ts";
import { missingHostTools } from "./missing-host-tools.ts";
import { layOutSandbox } from "./sandbox-layout.ts";
import type { SandboxStatusTeller } from "./sandbox-status.ts";
import type { SessionParts } from "./session-parts.ts";
import { lateStart } from "./start-error.ts";
import type { RunningSandbox, SupervisedSession } from "./supervised-session.ts";
import { unkeptEvents, unkeptFiles } from "./unkept-files.ts";

export interface StartingSession {
  readonly parts: SessionParts;
  readonly session: SupervisedSession;
  readonly status: SandboxStatusTeller;
}

/** Claims a sandbox in the log before it is asked for, and says which files it will not have. */
export async function announceSandbox(
  { parts, session, status }: StartingSession,
  stored: StoredSandbox,
): Promise<void> {
  const { generation } = stored;
  const unkept = unkeptFiles(await session.inTurn(() => parts.store.files(session.key)));
  await session.write({
    events: [
      status.event("starting", "Starting a sandbox.", { generation }),
      ...unkeptEvents(parts, session.key, {
        files: unkept,
        why: "their bytes were too large to be kept or could not be read",
      }),
    ],
    files: { put: [], deleted: unkept.map(({ path }) => path) },
    sandbox: stored,
    cursor: { generation, n: 0 },
  });
}

/** Puts the session's files into its sandbox and starts its harness; answers the sandbox as it is stored then. */
export async function startHarness(
  { parts, session, status }: StartingSession,
  about: { running: RunningSandbox; profile: AgentProfile; nativeSessionId: string | null; signal: AbortSignal },
): Promise<RunningSandbox> {
  const { running, profile, nativeSessionId, signal } = about;
  const { link, intact, sandbox } = running;
  const { store, limits, hostTools } = parts;
  // What has fired is not told any more.
  signal.throwIfAborted();
  const stop = (): void => link.close(lateStart());
  signal.addEventListener("abort", stop, { once: true });
  const layout = {
    key: session.key,
    store,
    link,
    state: session.state(),
    profile,
    nativeSessionId,
    limits,
    hostTools,
    intact,
    signal,
  };
  const missing = await layOutSandbox(layout).finally(() => signal.removeEventListener("abort", stop));
  const stored = { ...running.stored, started: true };
  await session.write({
    events: [
      ...unkeptEvents(parts, session.key, { files: missing, why: "what is saved of them is missing or damaged" }),
      ...missingHostTools(parts, session.key, profile),
      status.event("ready", undefined, { sandboxId: sandbox.id }),
    ],
    files: { put: [], deleted: missing.map(({ path }) => path) },
    sandbox: stored,
  });
  // It may have ended while that was written.
  if (link.closed !== undefined) throw link.closed;
  return { ...running, stored };
}
