import { RuntimeError, type SandboxStatus } from "@hhopkins/agent-runtime-protocol";
import type { SessionKey, StoredSandbox } from "../persistence/session-store.ts";
import type { GatewayRules } from "../gateway/port.ts";
import type { Sandbox } from "../sandbox/port.ts";
import { openRunnerDoor, type RunnerDoor } from "./runner-door.ts";
import { RunnerLink, type RunnerLinkOptions } from "./runner-link.ts";
import { watchHealth } from "./sandbox-health.ts";
import type { SessionParts } from "./session-parts.ts";
import type { RunningSandbox } from "./supervised-session.ts";

/** To who waits for an answer of its runner: somebody else has it, or will. */
const LETS_GO = "The server lets go of the session's sandbox; ask again.";

export interface SandboxConnection {
  readonly sandbox: Sandbox;
  readonly stored: StoredSandbox;
  /** Where its runner comes in, if it is open already. */
  readonly door?: RunnerDoor | undefined;
  /** What it may reach. */
  readonly rules: GatewayRules;
  /** Of the session's lease. */
  readonly fence: number;
  /** Number of the runner's last entry that is saved. */
  readonly taken: number;
  readonly unsaved: RunnerLinkOptions["unsaved"];
  /** The runner was given its start command, and this is the sandbox of the session. */
  readonly isStarted: () => boolean;
  readonly onEntries: () => void;
  readonly onEnding: () => void;
  readonly onGone: (reason: string) => void;
  readonly onDisowned: () => void;
  /** Called again and again while it is so. */
  readonly tell: (status: SandboxStatus, message: string | undefined) => Promise<void>;
}

/**
 * Listens to a sandbox, and watches how it is. Its end is for the caller to watch. Where this rejects, the sandbox may be
 * listened to in part: only once it is let go can it be listened to again.
 */
export async function connectSandbox(
  parts: SessionParts,
  session: SessionKey,
  connection: SandboxConnection,
): Promise<RunningSandbox> {
  const { log, gateway } = parts;
  const { sandbox, stored, rules, fence, isStarted, onGone, tell } = connection;
  const { taken, unsaved, onEntries, onEnding, onDisowned } = connection;
  const { generation, token } = stored;
  // Streams of a sandbox without a folder of sockets pass through this server.
  const gatewayOutlives = gateway.outlivesServer === true && sandbox.sockets !== undefined;
  const about = { generation, fence, gatewayOutlives, taken, unsaved };
  const models = await gateway.serve(sandbox, { session, generation, token }, rules);
  const door = connection.door ?? (await openRunnerDoor(sandbox, { generation, log }));
  const link = new RunnerLink({ ...about, ...silence(parts), onEntries, onEnding, onDisowned, log });
  door.listen(link.connect.bind(link));
  const stopWatching = watchHealth({
    isAttached: () => link.attached,
    isStarted,
    status: () => sandbox.status(),
    onAway: (message) => tell("unhealthy", message),
    onBack: () => tell("ready", undefined),
    onGone: () => onGone("its provider does not have it any more"),
    onError: (error) => log.warn({ err: error, sessionId: session.sessionId }, "how a sandbox is could not be told"),
  });
  const close = async ({ ended }: { ended: boolean }): Promise<void> => {
    stopWatching();
    link.close(ended ? undefined : new RuntimeError("unavailable", LETS_GO, { retryAfter: 1 }));
    await Promise.all([ended ? models.revoke() : models.close(), door.close()]);
  };
  return { sandbox, link, stored, close, intact: new Set<string>() };
}

/** A runner looks for another server within the time in which another one may have its session. */
function silence({ node }: SessionParts): { readonly silenceMs?: number } {
  return node === undefined ? {} : { silenceMs: node.leaseMs };
}
