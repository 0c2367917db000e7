import { RuntimeError, type CreateSessionBody, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { DEFAULT_TENANT } from "../auth/principal.ts";
import { leaseKey, type WantedSession } from "../cluster/session-leases.ts";
import { Takeover } from "../cluster/takeover.ts";
import { UnknownLeases } from "../cluster/unknown-leases.ts";
import { readState, SessionLog } from "../log/session-log.ts";
import type { SessionHead, SessionKey } from "../persistence/session-store.ts";
import { HeldSessions, type Held } from "./held-sessions.ts";
import { keepEndingOrphans } from "./orphans.ts";
import { isFinal, SessionAdoption } from "./session-adoption.ts";
import { newSession } from "./session-creation.ts";
import { handOver, hasSuccessor, leaveSession } from "./session-leaving.ts";
import type { SessionParts } from "./session-parts.ts";
import { SessionUpkeep } from "./session-upkeep.ts";
import { Session, type AgentSession } from "./session.ts";

export interface SessionManagerOptions {
  readonly idleTimeoutMs: number;
  readonly shutdownGraceMs: number;
}

/** Knows which sessions are in memory: each once, however many ask for it at the same time. */
export class SessionManager {
  readonly #parts: SessionParts;
  readonly #options: SessionManagerOptions;
  readonly #held: HeldSessions;
  readonly #stop = new AbortController();
  readonly #upkeep: SessionUpkeep<Session>;
  readonly #adoption: SessionAdoption;
  readonly #takeover: Takeover | undefined;
  readonly #unknownLeases: UnknownLeases | undefined;

  constructor(parts: SessionParts, options: SessionManagerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#held = new HeldSessions(parts);
    this.#upkeep = new SessionUpkeep(parts, {
      idleTimeoutMs: options.idleTimeoutMs,
      loaded: () => this.loaded(),
      unload: (session, message) => this.#unload(session, message),
    });
    const holds = (sessionId: string): boolean => this.#held.get(sessionId) !== undefined;
    this.#adoption = new SessionAdoption(parts, {
      signal: this.#stop.signal,
      load: (key, wanted) => this.load(key, wanted),
      holds,
      forget: (sessionId) => this.#forget(sessionId),
    });
    const { node, notes, log } = parts;
    const adopt = (key: SessionKey): Promise<void> => this.#adoption.takeUp(key);
    this.#unknownLeases = node === undefined ? undefined : new UnknownLeases({ node, holds, adopt, log });
    this.#takeover = node === undefined ? undefined : new Takeover({ node, notes, adopt, log, random: Math.random });
  }

  /** Sessions in memory. */
  getLoadedSessions(): AgentSession[] {
    return this.loaded();
  }

  /** @internal */
  loaded(): Session[] {
    return this.#held.loaded();
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

  /** Loads a session of the tenant `default`. Throws `session_not_found`, and `stale_fence` where another server runs it. */
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
    if (this.#parts.node !== undefined) await this.load(key);
    await this.unloadSession(key.sessionId);
  }

  /** @internal */
  async create(tenant: string, body: CreateSessionBody): Promise<SessionState> {
    this.#refuseNewWork();
    const created = await newSession(this.#parts, body);
    const { state, logId, record, first } = created;
    await this.#parts.store.create({ tenant, sessionId: record.sessionId, record, logId, first });
    return state;
  }

  // Of a session that is not in memory yet it is the one from the store. `needsSandbox`: what is asked of it takes a
  // sandbox, so one that nobody runs goes to the node with the most room.
  /** @internal Rejects with `RunsElsewhere`, and with `unavailable` where every node is full. */
  async load(key: SessionKey, wanted: WantedSession = {}): Promise<Session> {
    this.#refuseWhileStopping();
    const held = this.#held.get(key.sessionId) ?? this.#hold(key, { wanted });
    if (held.key.tenant !== key.tenant) throw notFound(key);
    if (held.ending === undefined) {
      // The same way for whoever comes first and later: so they keep their order.
      const session = await held.loading;
      if (!this.#goesElsewhere(session, wanted)) return session;
      await this.#unload(session, "Another server has room for its sandbox.");
    } else {
      await held.ending.catch(() => undefined);
    }
    return this.load(key, wanted);
  }

  /** It needs a sandbox, this node has none left, and another node has. */
  #goesElsewhere(session: Session, { needsSandbox = false }: WantedSession): boolean {
    const { leases, slots } = this.#parts;
    return needsSandbox && slots.isShort && session.idle && !session.hasSandbox && leases.hasRoomElsewhere();
  }

  #hold(key: SessionKey, { wanted = {}, before = Promise.resolve() }: HoldOptions = {}): Held {
    const held: Held = { key, loading: before.then(() => this.#open(held, wanted)) };
    this.#held.add(held);
    held.loading.then(
      (session) => {
        held.session = session;
      },
      (error: unknown) => {
        this.#held.remove(held);
        // Others leave it alone, because it is this node's.
        if (held.lease !== undefined && !isFinal(error)) void this.#adoption.goOn(key);
      },
    );
    return held;
  }

  async #open(held: Held, wanted: WantedSession): Promise<Session> {
    const { key } = held;
    held.lease = await this.#parts.leases.take(key, wanted);
    const head = await this.head(key);
    const log = await SessionLog.open(key, this.#parts, { ...head, fence: held.lease?.fence });
    const session = new Session(this.#parts, log, {
      head,
      lease: held.lease,
      onConflict: (conflicting) => this.#reload(conflicting),
      onStale: (stale) => this.#letGo(stale),
    });
    held.opened = session;
    this.#refuseWhileStopping();
    if (!this.#isToResume(head, session)) return session;
    try {
      await session.resume(head);
    } catch (error) {
      await session.release();
      throw error;
    }
    this.#adoption.resumed(key.sessionId);
    return session;
  }

  /** A server held it, and did not let go of it in the log; it may be found out only now. */
  #isToResume({ sandbox }: SessionHead, session: Session): boolean {
    return this.#adoption.isUnresumed(session.sessionId) || sandbox !== null || session.getState().runtime.isLoaded;
  }

  /** @internal Throws `session_not_found`. */
  async head(key: SessionKey): Promise<SessionHead> {
    const head = await this.#parts.store.head(key);
    if (head === null) throw notFound(key);
    return head;
  }

  /** @internal Where the log stands, without loading. */
  async position(key: SessionKey): Promise<{ logId: string; lastSeq: number }> {
    return this.#current(key)?.getState() ?? this.head(key);
  }

  /** @internal Where the log ends of a session that this node runs; undefined: another one does, or nobody. */
  localTail(key: SessionKey): number | undefined {
    return this.#current(key)?.getState().lastSeq;
  }

  /** The session in memory, where that is as new as the store: one that is let go may be behind another node's. */
  #current(key: SessionKey): Session | undefined {
    const held = this.#parts.node?.lapse === undefined ? this.#held.get(key.sessionId) : undefined;
    return held?.key.tenant === key.tenant && held.ending === undefined ? held.session : undefined;
  }

  /** @internal Why the store refuses some session's writes at the moment. */
  storeFailure(): RuntimeError | undefined {
    return this.loaded().find((session) => session.storeFailure !== undefined)?.storeFailure;
  }

  /** @internal The committed state, without loading. */
  async state(key: SessionKey): Promise<SessionState> {
    return this.#current(key)?.getState() ?? readState(this.#parts.store, key, await this.head(key));
  }

  /** @internal An append that counted as failed was done after all. */
  recheck(key: SessionKey): void {
    void this.#held.get(key.sessionId)?.session?.recheck();
  }

  /** The log in the store is not the one in memory: what is in memory is let go, and the session goes on from the store. */
  #reload(session: Session): void {
    const { key } = session;
    if (this.#held.of(session) === undefined) return;
    this.#parts.log.warn(
      { sessionId: key.sessionId },
      "the store has more of a session than it said that it took; it is loaded again",
    );
    this.#adoption.unresumed(key.sessionId);
    this.#hold(key, { before: session.release(), wanted: { here: true } });
    void this.#adoption.goOn(key);
  }

  /** Another node runs the session now: nothing of it is touched any more, and what is asked of it goes there. */
  #letGo(session: Session): void {
    const { key, lease } = session;
    const held = this.#held.of(session);
    if (held === undefined) return;
    if (held.ending !== undefined) {
      // If it succeeds, nothing is left to let go.
      void held.ending.catch(() => this.#letGo(session));
      return;
    }
    const { log, node } = this.#parts;
    const about = { sessionId: key.sessionId, nodeId: node?.nodeId, fence: lease?.fence };
    log.warn(about, "another server runs a session that this one had; it is let go");
    this.#held
      .end(key.sessionId, () => session.release())
      .catch((error: unknown) =>
        log.error({ err: error, ...about }, "a session that another server runs could not be let go"),
      );
  }

  /** This node counted as gone for a while: it lets go of the sessions that others have taken. */
  async #reconcile(): Promise<void> {
    const sessions = this.#held.all().flatMap(({ session, opened }) => session ?? opened ?? []);
    const fences = await this.#parts.leases.all();
    for (const session of sessions)
      if (session.lease !== undefined && fences.get(leaseKey(session.key)) !== session.lease.fence)
        this.#letGo(session);
  }

  #forget(sessionId: string): void {
    const held = this.#held.get(sessionId);
    if (held !== undefined) this.#held.remove(held);
  }

  /** Goes on with what earlier servers left, ends sandboxes that belong to nobody, begins the periodic work. */
  async start(): Promise<void> {
    const { node } = this.#parts;
    if (node === undefined || this.#takeover === undefined) await this.#adoption.startAlone();
    else {
      await node.start(() => this.#reconcile());
      await this.#takeover.start();
      this.#unknownLeases?.start();
      void keepEndingOrphans(this.#parts, { node, signal: this.#stop.signal });
    }
    this.#parts.warm.start(this.#parts);
    this.#upkeep.start();
  }

  #unload(session: Session, message: string): Promise<void> {
    return this.#held.end(session.sessionId, () => session.unload(message));
  }

  /** @internal Rejects with `RunsElsewhere`. Ends the sandbox and removes the session from memory and store. */
  async delete(key: SessionKey): Promise<void> {
    await this.#own(key, await this.head(key));
    const held = this.#held.get(key.sessionId);
    await held?.ending?.catch(() => undefined);
    const session = await held?.loading.catch(() => undefined);
    await this.#held.end(key.sessionId, async () => {
      await session?.destroy();
      await this.#parts.store.delete(key);
      this.#parts.modelUses.forget(key);
      this.#parts.egress.forget(key);
    });
    this.#parts.hub.end(key);
  }

  /** Nobody else begins anything with the session from now on. */
  async #own(key: SessionKey, { sandbox }: SessionHead): Promise<void> {
    if (this.#parts.node === undefined || this.#held.get(key.sessionId) !== undefined) return;
    await this.#parts.leases.take(key, { here: true });
    // A sandbox that cannot be found is ended as one of nobody's.
    if (sandbox !== null) await this.load(key, { here: true }).catch(() => undefined);
  }

  /**
   * No new work. Where another node can go on with sessions as they are, they are handed over. Else running turns get
   * their grace; idle sessions are saved and their sandboxes ended; a sandbox whose turn goes on, or whose save could
   * not be verified, is left for the next server to find.
   */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#upkeep.stop();
    await Promise.all([this.#takeover?.stop(), this.#unknownLeases?.stop()]);
    const handsOver = await hasSuccessor(this.#parts);
    const warmEnded = this.#parts.warm.stop();
    await Promise.all(this.#held.all().map((held) => this.#leave(held, handsOver).catch(() => undefined)));
    this.#held.clear();
    await warmEnded;
    await this.#parts.node?.stop();
    this.#parts.notes?.leaseFreed();
  }

  async #leave(held: Held, handsOver: boolean): Promise<void> {
    // What it goes on with may wait for a store that fails.
    if (held.session === undefined) await held.opened?.release();
    const { shutdownGraceMs } = this.#options;
    const session = await held.loading.catch(() => undefined);
    if (session !== undefined)
      await (handsOver ? handOver(session, shutdownGraceMs) : leaveSession(this.#parts, session, shutdownGraceMs));
    await this.#held.giveBack(held);
    if (handsOver) this.#parts.notes?.leaseFreed();
  }

  #refuseWhileStopping(): void {
    if (this.#stop.signal.aborted)
      throw new RuntimeError("shutting_down", "The server is shutting down.", { retryAfter: 5 });
  }

  #refuseNewWork(): void {
    this.#refuseWhileStopping();
    const lapse = this.#parts.node?.lapse;
    if (lapse !== undefined) throw lapse;
  }
}

interface HoldOptions {
  readonly wanted?: WantedSession;
  /** What has to end first. */
  readonly before?: Promise<void>;
}

function notFound(key: SessionKey): RuntimeError {
  return new RuntimeError("session_not_found", `There is no session ${key.sessionId}.`);
}
