import { RetrySchedule } from "./retry-schedule.ts";
import type { SessionParts } from "./session-parts.ts";
import type { Session } from "./session.ts";

/** An idle session whose save cannot be verified is tried again at least so often. */
const MOST_IDLE_WAIT_MS = 5 * 60_000;

export interface SessionUpkeepOptions {
  readonly idleTimeoutMs: number;
  readonly loaded: () => readonly Session[];
  readonly unload: (session: Session, message: string) => Promise<void>;
}

/** What is done for sessions in memory from time to time: the idle are unloaded, the busy are saved. */
export class SessionUpkeep {
  readonly #parts: SessionParts;
  readonly #options: SessionUpkeepOptions;
  readonly #idleRetries: RetrySchedule;
  #timers: NodeJS.Timeout[] = [];

  constructor(parts: SessionParts, options: SessionUpkeepOptions) {
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

  #every(ms: number, work: () => Promise<void>): void {
    let running = false;
    const timer = setInterval(() => {
      if (running) return;
      running = true;
      work()
        .catch((error: unknown) => this.#parts.log.error({ err: error }, "periodic work failed"))
        .finally(() => {
          running = false;
        });
    }, ms);
    timer.unref();
    this.#timers.push(timer);
  }

  async #unloadIdle(): Promise<void> {
    const since = this.#parts.now().getTime() - this.#options.idleTimeoutMs;
    const loaded = this.#options.loaded();
    this.#idleRetries.keep(new Set(loaded.map(({ sessionId }) => sessionId)));
    for (const session of loaded) {
      const { lastActivity, createdAt } = session.getState();
      const active = Math.max(Date.parse(lastActivity ?? createdAt), session.loadedAt);
      const isIdle = session.idle || session.asks.wait;
      if (!isIdle || active > since || !this.#idleRetries.due(session.sessionId, this.#parts.now().getTime())) continue;
      await this.#sleep(session).catch((error: unknown) => {
        this.#idleRetries.failed(session.sessionId, this.#parts.now().getTime());
        this.#parts.log.warn({ err: error, sessionId: session.sessionId }, "an idle session could not be unloaded");
      });
    }
  }

  async #sleep(session: Session): Promise<void> {
    const { asks, sessionId } = session;
    // What waits for people and cannot wait elsewhere keeps its sandbox.
    if (asks.wait && !(await asks.defer())) return this.#idleRetries.failed(sessionId, this.#parts.now().getTime());
    if (!session.idle) return;
    if (!asks.needServer)
      return this.#options.unload(session, "Idle; the next message or answer starts a new sandbox.");
    if (session.hasSandbox) await session.rest("Idle; an answer starts a new sandbox.");
  }

  async #syncBusy(): Promise<void> {
    const busy = this.#options.loaded().filter((session) => session.getState().turn !== null);
    for (const session of busy) {
      await session.sync().catch((error: unknown) => {
        this.#parts.log.warn({ err: error, sessionId: session.sessionId }, "a workspace could not be synced");
      });
    }
  }
}

/** How often to look for idle sessions. */
function sweepMs(idleTimeoutMs: number): number {
  return Math.min(10_000, Math.max(20, idleTimeoutMs / 4));
}
