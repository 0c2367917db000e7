import type { RuntimeError, SessionState } from "@hhopkins/agent-runtime-protocol";
import type { LogWrite } from "../log/session-log.ts";
import type { RunnerCursor, SessionKey, StoredSandbox } from "../persistence/session-store.ts";
import type { Sandbox } from "../sandbox/port.ts";
import type { RunnerLink } from "./runner-link.ts";
import type { UnsavedAccount } from "./unsaved-bytes.ts";

/** What the supervisor needs of its session. */
export interface SupervisedSession {
  readonly key: SessionKey;
  /** Counts what its runner said and is not saved. */
  readonly unsaved: UnsavedAccount;
  state(): SessionState;
  /** Up to which entry everything is saved. */
  cursor(): RunnerCursor | null;
  /** Why the store refuses at the moment, or undefined. */
  storeFailure(): RuntimeError | undefined;
  /** Does it in the session's mailbox: after every write that has begun. */
  inTurn<T>(task: () => Promise<T>): Promise<T>;
  /** Appends in the session's mailbox. */
  write(write: LogWrite): Promise<void>;
  /** Of the session's lease; 1 where no other server shares the store. */
  fence(): number;
  /** Whether the lease is still this server's, by the store: asked before a sandbox is ended. Rejects where that cannot be told. */
  holdsLease(): Promise<boolean>;
  /** The runner, whose word is no proof, says that another server has the session: asks the store, and lets go of it where that is so. */
  doubtLease(): void;
  onEntries(): void;
  /** The sandbox ended by itself. Everything that it said has been handed over before. */
  onLost(reason: string): void;
}

/** A sandbox that runs, and this server's ends of it. */
export interface RunningSandbox {
  readonly sandbox: Sandbox;
  readonly link: RunnerLink;
  readonly stored: StoredSandbox;
  /** `ended`: its token is good for nothing any more; else another server may go on with it. */
  readonly close: (how: { readonly ended: boolean }) => Promise<void>;
  /** Hashes of the blobs that this server has read back and found right. */
  readonly intact: Set<string>;
}

/** Whether its session should leave it between turns: its provider ends it, or it has another content of the profile. */
export function isToLeave(running: RunningSandbox | undefined, now: Date, { profileVersion }: SessionState): boolean {
  if (running?.stored.started !== true) return false;
  // A session that keeps to no content of its profile goes on with what its sandbox has.
  const isMoved = profileVersion !== undefined && running.stored.profileVersion !== profileVersion;
  return isMoved || now.getTime() >= (running.sandbox.moveAfter ?? Infinity);
}

/** Whether its turn, if one runs, has a sandbox: one that was deferred has none. */
export function isInSandbox({ turn }: SessionState): boolean {
  return turn !== null && turn.deferred !== true;
}

/** Ends a sandbox of the session where the session is this server's; else lets go of it, for it is another's to end. */
export async function endIfOurs(session: Pick<SupervisedSession, "holdsLease">, sandbox: Sandbox): Promise<void> {
  await ((await session.holdsLease()) ? sandbox.terminate() : sandbox.release());
}
