import { RetrySchedule } from "./retry-schedule.ts";
import type { SessionLimits, SessionParts } from "./session-parts.ts";
import type { Session } from "./session.ts";

/** An idle session whose save cannot be verified is tried again at least so often. */
const MOST_IDLE_WAIT_MS = 5 * 60_000;

/** What the upkeep needs of a session. */
export type KeptUpSession = Pick<
  Session,
  "sessionId" | "loadedAt" | "idle" | "asks" | "hasSandbox" | "getState" | "rest" | "sync"
>;

export interface SessionUpkeepParts extends Pick<SessionParts, "now" | "log"> {
  readonly limits: Pick<SessionLimits, "syncIntervalMs">;
}

export interface SessionUpkeepOptions<Kept extends KeptUpSession> {
  readonly idleTimeoutMs: number;
  readonly loaded: () => readonly Kept[];
  readonly unload: (session: Kept, message: string) => Promise<void>;
}

/**
 * What is done for sessions in memory from time to time: the idle are unloaded, the busy are saved. Each goes beside the
 * others: one whose sandbox hangs keeps nobody waiting.
 */
export class SessionUpkeep<Kept extends KeptUpSession> {
  readonly #parts: SessionUpkeepParts;
  readonly #options: SessionUpkeepOptions<Kept>;
  readonly #idleRetries: RetrySchedule;
  readonly #unloading = new Set<string>();
  readonly #syncing = new Set<string>();
  #timers: NodeJS.Timeout[] = [];

  constructor(parts: SessionUpkeepParts, options: SessionUpkeepOptions<Kept>) {
    this.#parts = parts;
    this.#options = options;
    this.#idleRetries = new RetrySchedule({ first: sweepMs(options.idleTimeoutMs), most: MOST_IDLE_WAIT_MS });
  }

  start(): void {
    this.#every(sweepMs(this.#options.idleTimeoutMs), () => this.#unloadIdle());
    this.#every(this.#parts.limits.syncIntervalMs, () => this.#syncBusy());
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  #every(ms: number, work: () => void): void {
    this.#timers.push(setInterval(work, ms).unref());
  }

  #unloadIdle(): void {
    const now = this.#parts.now().getTime();
    const loaded = this.#options.loaded();
    this.#idleRetries.keep(new Set(loaded.map(({ sessionId }) => sessionId)));
    for (const session of loaded) {
      if (!this.#isIdle(session, now) || !this.#idleRetries.due(session.sessionId, now)) continue;
      oneAtATime(this.#unloading, session, () => this.#sleep(session)).catch((error: unknown) => {
        this.#failed(session);
        this.#parts.log.warn({ err: error, sessionId: session.sessionId }, "an idle session could not be unloaded");
      });
    }
  }

  #isIdle(session: Kept, now: number): boolean {
    const { lastActivity, createdAt } = session.getState();
    const active = Math.max(Date.parse(lastActivity ?? createdAt), session.loadedAt);
    return active <= now - this.#options.idleTimeoutMs && (session.idle || session.asks.wait);
  }

  #failed({ sessionId }: Kept): void {
    this.#idleRetries.failed(sessionId, this.#parts.now().getTime());
  }

  async #sleep(session: Kept): Promise<void> {
    const { asks } = session;
    // What waits for people and cannot wait elsewhere keeps its sandbox.
    if (asks.wait && !(await asks.defer())) return this.#failed(session);
    if (!session.idle) return;
    if (!asks.needServer)
      return this.#options.unload(session, "Idle; the next message or answer starts a new sandbox.");
    if (session.hasSandbox) await session.rest("Idle; an answer starts a new sandbox.");
  }

  #syncBusy(): void {
    for (const session of this.#options.loaded()) {
      if (session.getState().turn === null) continue;
      oneAtATime(this.#syncing, session, () => session.sync()).catch((error: unknown) => {
        this.#parts.log.warn({ err: error, sessionId: session.sessionId }, "a workspace could not be synced");
      });
    }
  }
}

/** Nothing where the session is still at it. */
async function oneAtATime(
  underWay: Set<string>,
  { sessionId }: KeptUpSession,
  work: () => Promise<void>,
): Promise<void> {
  if (underWay.has(sessionId)) return;
  underWay.add(sessionId);
  try {
    await work();
  } finally {
    underWay.delete(sessionId);
  }
}

/** How often to look for idle sessions. */
function sweepMs(idleTimeoutMs: number): number {
  return Math.min(10_000, Math.max(20, idleTimeoutMs / 4));
}
