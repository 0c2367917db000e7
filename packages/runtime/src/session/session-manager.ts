import {
  RuntimeError,
  toRuntimeError,
  type CreateSessionBody,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { setTimeout as delay } from "node:timers/promises";
import { DEFAULT_TENANT } from "../auth/principal.ts";
import { readState, SessionLog } from "../log/session-log.ts";
import type { SessionHead, SessionKey } from "../persistence/session-store.ts";
import { endOrphans, endOrphansLater, runningSandboxes } from "./orphans.ts";
import { RetrySchedule } from "./retry-schedule.ts";
import { newSession } from "./session-creation.ts";
import type { SessionParts } from "./session-parts.ts";
import { Session, type AgentSession } from "./session.ts";

/** A session that is loading, or is loaded. */
interface Held {
  readonly key: SessionKey;
  readonly loading: Promise<Session>;
  session?: Session;
  /** The same as soon as it is there, before it goes on with what it was at. */
  opened?: Session;
  /** It is being unloaded or deleted: whoever wants it waits, and looks again. */
  ending?: Promise<void>;
}

/** An idle session whose save cannot be verified is tried again at least so often. */
const MOST_IDLE_WAIT_MS = 5 * 60_000;

export interface SessionManagerOptions {
  readonly idleTimeoutMs: number;
  readonly shutdownGraceMs: number;
}

/** Knows which sessions are in memory: each once, however many ask for it at the same time. */
export class SessionManager {
  readonly #parts: SessionParts;
  readonly #options: SessionManagerOptions;
  readonly #held = new Map<string, Held>();
  /** Sessions that a server held: whoever loads one first goes on with what it was at. */
  readonly #unresumed = new Set<string>();
  readonly #stop = new AbortController();
  readonly #idleRetries: RetrySchedule;
  #timers: NodeJS.Timeout[] = [];

  constructor(parts: SessionParts, options: SessionManagerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#idleRetries = new RetrySchedule({ first: sweepMs(options.idleTimeoutMs), most: MOST_IDLE_WAIT_MS });
  }

  /** Sessions in memory. */
  getLoadedSessions(): AgentSession[] {
    return this.loaded();
  }

  /** @internal */
  loaded(): Session[] {
    return [...this.#held.values()].flatMap(({ session }) => session ?? []);
  }

  /** A session in memory. Throws `session_not_loaded` for any other; `loadSession` loads it. */
  getSession(sessionId: string): AgentSession {
    const session = this.#held.get(sessionId)?.session;
    if (session !== undefined) return session;
    throw new RuntimeError(
      "session_not_loaded",
      `Session ${sessionId} is not loaded. loadSession("${sessionId}") loads it.`,
    );
  }

  /** Loads a session of the tenant `default`. Throws `session_not_found`. */
  async loadSession(sessionId: string): Promise<AgentSession> {
    const session = await this.load({ tenant: DEFAULT_TENANT, sessionId });
    await session.markLoaded();
    return session;
  }

  /** Creates and loads a session of the tenant `default`. No sandbox is started before its first message. */
  async createSession(body: CreateSessionBody): Promise<AgentSession> {
    const state = await this.create(DEFAULT_TENANT, body);
    return this.loadSession(state.sessionId);
  }

  /** Saves everything, verifies it, ends the sandbox and forgets the session; it is still listed. */
  async unloadSession(sessionId: string): Promise<void> {
    const held = this.#held.get(sessionId);
    if (held === undefined) return;
    await this.#unload(await held.loading, "The session was unloaded.");
  }

  /** @internal As `unloadSession`. Rejects with `RunsElsewhere`. */
  async unload(key: SessionKey): Promise<void> {
    await this.head(key);
    await this.unloadSession(key.sessionId);
  }

  /** @internal */
  async create(tenant: string, body: CreateSessionBody): Promise<SessionState> {
    this.#refuseWhileStopping();
    const created = await newSession(this.#parts, body);
    const { state, logId, record, first } = created;
    await this.#parts.store.create({ tenant, sessionId: record.sessionId, record, logId, first });
    return state;
  }

  /**
   * @internal The session in memory, from the store where it is not there yet. `needsSandbox`: what is asked of it takes
   * a sandbox, so one that nobody runs goes to the node with the most room. Rejects with `RunsElsewhere`, and with
   * `unavailable` where every node is full.
   */
  async load(key: SessionKey, _what: { readonly needsSandbox?: boolean } = {}): Promise<Session> {
    this.#refuseWhileStopping();
    const known = this.#held.get(key.sessionId);
    if (known !== undefined) {
      if (known.key.tenant !== key.tenant) throw notFound(key);
      if (known.ending === undefined) return known.loading;
      await known.ending.catch(() => undefined);
      return this.load(key);
    }
    return this.#hold(key).loading;
  }

  #hold(key: SessionKey, before: Promise<void> = Promise.resolve()): Held {
    const held: Held = { key, loading: before.then(() => this.#open(key, (opened) => void (held.opened = opened))) };
    this.#held.set(key.sessionId, held);
    held.loading.then(
      (session) => {
        held.session = session;
      },
      () => {
        if (this.#held.get(key.sessionId) === held) this.#held.delete(key.sessionId);
      },
    );
    return held;
  }

  async #open(key: SessionKey, onOpened: (session: Session) => void): Promise<Session> {
    const head = await this.head(key);
    const log = await SessionLog.open(key, this.#parts, head);
    const session = new Session(this.#parts, log, { head, onConflict: (conflicting) => this.#reload(conflicting) });
    onOpened(session);
    this.#refuseWhileStopping();
    if (!this.#unresumed.has(key.sessionId)) return session;
    try {
      await session.resume(head);
    } catch (error) {
      await session.release();
      throw error;
    }
    this.#unresumed.delete(key.sessionId);
    return session;
  }

  /** @internal Throws `session_not_found`. */
  async head(key: SessionKey): Promise<SessionHead> {
    const head = await this.#parts.store.head(key);
    if (head === null) throw notFound(key);
    return head;
  }

  /** @internal Where the log stands, without loading. */
  async position(key: SessionKey): Promise<{ logId: string; lastSeq: number }> {
    const held = this.#held.get(key.sessionId);
    if (held?.session !== undefined && held.key.tenant === key.tenant) return held.session.getState();
    return this.head(key);
  }

  /** @internal Why the store refuses some session's writes at the moment. */
  storeFailure(): RuntimeError | undefined {
    return this.loaded().find((session) => session.storeFailure !== undefined)?.storeFailure;
  }

  /** @internal The committed state, without loading. */
  async state(key: SessionKey): Promise<SessionState> {
    const held = this.#held.get(key.sessionId);
    if (held?.session !== undefined && held.key.tenant === key.tenant) return held.session.getState();
    return readState(this.#parts.store, key, await this.head(key));
  }

  /** @internal An append that counted as failed was done after all. */
  recheck(key: SessionKey): void {
    void this.#held.get(key.sessionId)?.session?.recheck();
  }

  /** The log in the store is not the one in memory: what is in memory is let go, and the session goes on from the store. */
  #reload(session: Session): void {
    const { key } = session;
    const held = this.#held.get(key.sessionId);
    if (held === undefined || (held.session ?? held.opened) !== session) return;
    this.#parts.log.warn(
      { sessionId: key.sessionId },
      "the store has more of a session than it said that it took; it is loaded again",
    );
    this.#unresumed.add(key.sessionId);
    this.#hold(key, session.release());
    void this.#goOn(key);
  }

  /** Until it is loaded, deleted, or the server stops. */
  async #goOn(key: SessionKey): Promise<void> {
    for (let attempt = 1; !this.#stop.signal.aborted; attempt += 1) {
      try {
        return await this.#adopt(key);
      } catch (error) {
        const { code } = toRuntimeError(error);
        if (code === "session_not_found" || code === "shutting_down") return;
        this.#parts.log.error({ err: error, sessionId: key.sessionId }, "a session could not be loaded again");
        await this.#parts.health.turn(attempt, this.#stop.signal);
      }
    }
  }

  /** Loads a session that a server held when it ended, and goes on with it. */
  async #adopt(key: SessionKey): Promise<void> {
    const { sessionId } = key;
    if (this.#held.get(sessionId) === undefined) this.#unresumed.add(sessionId);
    const session = await this.load(key);
    if (!session.getState().runtime.isLoaded && session.idle) this.#held.delete(sessionId);
  }

  /** Goes on with what earlier servers left, ends sandboxes that belong to nobody, begins the periodic work. */
  async start(): Promise<void> {
    const claimed = await this.#parts.store.claimed();
    // Before the sessions go on: what they start then is not an orphan.
    const running = await runningSandboxes(this.#parts);
    await Promise.all(
      claimed.map(({ tenant, sessionId }) =>
        this.#adopt({ tenant, sessionId }).catch((error: unknown) => {
          this.#parts.log.error({ err: error, sessionId }, "a session could not be resumed; it is tried again");
          void this.#goOn({ tenant, sessionId });
        }),
      ),
    );
    if (running === null) void endOrphansLater(this.#parts, this.#stop.signal);
    else await endOrphans(this.#parts, running, claimed);
    this.#parts.warm.start(this.#parts);
    this.#every(sweepMs(this.#options.idleTimeoutMs), () => this.#unloadIdle());
    this.#every(this.#parts.limits.syncIntervalMs, () => this.#syncBusy());
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
    this.#idleRetries.keep(new Set(this.#held.keys()));
    for (const session of this.loaded()) {
      const { lastActivity, createdAt } = session.getState();
      const active = Math.max(Date.parse(lastActivity ?? createdAt), session.loadedAt);
      if (!session.idle || active > since || !this.#idleRetries.due(session.sessionId, this.#parts.now().getTime()))
        continue;
      await this.#unload(session, "Idle; the next message starts a new sandbox.").catch((error: unknown) => {
        this.#idleRetries.failed(session.sessionId, this.#parts.now().getTime());
        this.#parts.log.warn({ err: error, sessionId: session.sessionId }, "an idle session could not be unloaded");
      });
    }
  }

  async #syncBusy(): Promise<void> {
    const busy = this.loaded().filter((session) => session.getState().turn !== null);
    for (const session of busy) {
      await session.sync().catch((error: unknown) => {
        this.#parts.log.warn({ err: error, sessionId: session.sessionId }, "a workspace could not be synced");
      });
    }
  }

  #unload(session: Session, message: string): Promise<void> {
    return this.#end(session.sessionId, () => session.unload(message));
  }

  /** Ends a session's time in memory; if that fails it stays. */
  async #end(sessionId: string, work: () => Promise<void>): Promise<void> {
    const held = this.#held.get(sessionId);
    if (held?.ending !== undefined) return held.ending;
    const ending = work();
    if (held === undefined) return ending;
    held.ending = ending;
    try {
      await ending;
      if (this.#held.get(sessionId) === held) this.#held.delete(sessionId);
    } finally {
      delete held.ending;
    }
  }

  /** @internal Rejects with `RunsElsewhere`. Ends the sandbox and removes the session from memory and store. */
  async delete(key: SessionKey): Promise<void> {
    await this.head(key);
    const held = this.#held.get(key.sessionId);
    await held?.ending?.catch(() => undefined);
    const session = await held?.loading.catch(() => undefined);
    await this.#end(key.sessionId, async () => {
      await session?.destroy();
      await this.#parts.store.delete(key);
      this.#parts.modelUses.forget(key);
      this.#parts.egress.forget(key);
    });
    this.#parts.hub.end(key);
  }

  /**
   * No new work; running turns get their grace; idle sessions are saved and their sandboxes ended; a sandbox whose
   * turn goes on, or whose save could not be verified, is left for the next server to find.
   */
  async stop(): Promise<void> {
    this.#stop.abort();
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    const warmEnded = this.#parts.warm.stop();
    await Promise.all(
      [...this.#held.values()].map(async (held) => {
        // What it goes on with may wait for a store that fails.
        if (held.session === undefined) await held.opened?.release();
        await held.loading.then((session) => this.#stopOne(session)).catch(() => undefined);
      }),
    );
    this.#held.clear();
    await warmEnded;
  }

  async #stopOne(session: Session): Promise<void> {
    session.finish();
    const deadline = Date.now() + this.#options.shutdownGraceMs;
    while (session.working && Date.now() < deadline) await delay(20);
    try {
      const { turn, queue } = session.getState();
      // A session whose messages wait stays claimed, so that the next server goes on with them.
      if (turn === null && queue.length === 0) return await session.unload("The server was shut down.");
    } catch (error) {
      this.#parts.log.warn({ err: toRuntimeError(error), sessionId: session.sessionId }, "a sandbox is left running");
    }
    await session.release();
  }

  #refuseWhileStopping(): void {
    if (this.#stop.signal.aborted)
      throw new RuntimeError("shutting_down", "The server is shutting down.", { retryAfter: 5 });
  }
}

/** How often to look for idle sessions. */
function sweepMs(idleTimeoutMs: number): number {
  return Math.min(10_000, Math.max(20, idleTimeoutMs / 4));
}

function notFound(key: SessionKey): RuntimeError {
  return new RuntimeError("session_not_found", `There is no session ${key.sessionId}.`);
}
