import type { SessionLeases } from "../cluster/session-leases.ts";
import type { Logger } from "../logger.ts";
import type { Lease, SessionKey } from "../persistence/session-store.ts";
import type { Session } from "./session.ts";

/** A session that is loading, or is loaded. */
export interface Held {
  readonly key: SessionKey;
  readonly loading: Promise<Session>;
  /** Under which this node runs it. */
  lease?: Lease | undefined;
  session?: Session;
  /** The same as soon as it is there, before it goes on with what it was at. */
  opened?: Session;
  /** It is being unloaded or deleted: whoever wants it waits, and looks again. */
  ending?: Promise<void>;
}

/** The sessions in this process's memory, by id. */
export class HeldSessions {
  readonly #all = new Map<string, Held>();
  readonly #parts: { readonly leases: SessionLeases; readonly log: Logger };

  constructor(parts: { readonly leases: SessionLeases; readonly log: Logger }) {
    this.#parts = parts;
  }

  get(sessionId: string): Held | undefined {
    return this.#all.get(sessionId);
  }

  add(held: Held): void {
    this.#all.set(held.key.sessionId, held);
  }

  /** Does nothing where another one has its place by now. */
  remove(held: Held): void {
    if (this.#all.get(held.key.sessionId) === held) this.#all.delete(held.key.sessionId);
  }

  clear(): void {
    this.#all.clear();
  }

  all(): readonly Held[] {
    return [...this.#all.values()];
  }

  /** Those that are loaded. */
  loaded(): Session[] {
    return this.all().flatMap(({ session }) => session ?? []);
  }

  /** The entry of this very session, loaded or loading. */
  of(session: Session): Held | undefined {
    const held = this.#all.get(session.sessionId);
    return held !== undefined && (held.session ?? held.opened) === session ? held : undefined;
  }

  /** Ends a session's time in memory; if that fails it stays. Then other nodes may have it. */
  end(sessionId: string, work: () => Promise<void>): Promise<void> {
    const held = this.#all.get(sessionId);
    if (held === undefined) return work();
    held.ending ??= this.#end(held, work).finally(() => delete held.ending);
    return held.ending;
  }

  /** Whoever wants the session waits until its lease is given back: this node's next load would find that lease, and keep it. */
  async #end(held: Held, work: () => Promise<void>): Promise<void> {
    await work();
    await this.giveBack(held);
    this.remove(held);
  }

  /** Never rejects: a lease that could not be given back stays this node's, and the session comes here again. */
  async giveBack({ key, lease }: Held): Promise<void> {
    await this.#parts.leases.giveBack(key, lease).catch((error: unknown) => {
      this.#parts.log.debug({ err: error, sessionId: key.sessionId }, "a lease could not be given back");
    });
  }
}
