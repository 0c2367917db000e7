import { toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { WantedSession } from "../cluster/session-leases.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import { endOrphans, endOrphansLater, runningSandboxes } from "./orphans.ts";
import type { SessionParts } from "./session-parts.ts";
import type { Session } from "./session.ts";

/** What the adoption of sessions needs of whoever holds them. */
export interface AdoptingManager {
  /** Fires when the server stops. */
  readonly signal: AbortSignal;
  load(key: SessionKey, wanted: WantedSession): Promise<Session>;
  holds(sessionId: string): boolean;
  /** Lets a session out of memory that has nothing to do. */
  forget(sessionId: string): void;
}

/** Goes on with sessions that a server held when it ended, as often as it takes. */
export class SessionAdoption {
  readonly #parts: SessionParts;
  readonly #manager: AdoptingManager;
  /** Sessions that a server held: whoever loads one first goes on with what it was at. */
  readonly #unresumed = new Set<string>();
  /** Sessions that are loaded as often as it takes. */
  readonly #goingOn = new Set<string>();

  constructor(parts: SessionParts, manager: AdoptingManager) {
    this.#parts = parts;
    this.#manager = manager;
  }

  isUnresumed(sessionId: string): boolean {
    return this.#unresumed.has(sessionId);
  }

  unresumed(sessionId: string): void {
    this.#unresumed.add(sessionId);
  }

  resumed(sessionId: string): void {
    this.#unresumed.delete(sessionId);
  }

  /** Of a server that is the only one: what the last one held, and sandboxes that belong to nobody. */
  async startAlone(): Promise<void> {
    const claimed = await this.#parts.store.claimed();
    // Before the sessions go on: what they start then is not an orphan.
    const running = await runningSandboxes(this.#parts);
    await Promise.all(claimed.map((key) => this.takeUp(key)));
    if (running === null) void endOrphansLater(this.#parts, this.#manager.signal);
    else await endOrphans(this.#parts, running, claimed);
  }

  async takeUp({ tenant, sessionId }: SessionKey): Promise<void> {
    const key = { tenant, sessionId };
    await this.#adopt(key).catch((error: unknown) => {
      if (isFinal(error)) return;
      this.#parts.log.error({ err: error, sessionId }, "a session could not be resumed; it is tried again");
      void this.goOn(key);
    });
  }

  /** Until it is loaded, deleted, another node's, or the server stops. */
  async goOn(key: SessionKey): Promise<void> {
    const { signal } = this.#manager;
    if (this.#goingOn.has(key.sessionId)) return;
    this.#goingOn.add(key.sessionId);
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        await this.#adopt(key);
        break;
      } catch (error) {
        if (isFinal(error)) break;
        this.#parts.log.error({ err: error, sessionId: key.sessionId }, "a session could not be loaded again");
        await this.#parts.health.turn(attempt, signal);
      }
    }
    this.#goingOn.delete(key.sessionId);
  }

  /** Loads a session that a server held when it ended, and goes on with it. */
  async #adopt(key: SessionKey): Promise<void> {
    const { sessionId } = key;
    const isShared = this.#parts.node !== undefined;
    if (!isShared && !this.#manager.holds(sessionId)) this.#unresumed.add(sessionId);
    const session = await this.#manager.load(key, { here: true });
    // With several nodes it may be here for a command that waits.
    if (!isShared && !session.getState().runtime.isLoaded && session.idle) this.#manager.forget(sessionId);
  }
}

/** Codes after which a session is not loaded again: it is gone, another node's, or the server stops. */
export function isFinal(error: unknown): boolean {
  return ["session_not_found", "stale_fence", "shutting_down"].includes(toRuntimeError(error).code);
}
