import { CursorTooOld, storedPage } from "../log/follower.ts";
import type { LogHub } from "../log/hub.ts";
import type { Logger } from "../logger.ts";
import type { ClusterStore, SessionKey, SessionStore } from "../persistence/session-store.ts";
import { noteKey, type Note } from "./note.ts";
import type { NodeNotes } from "./node-notes.ts";
import { Periodic } from "./periodic.ts";

export interface RemoteLogsParts {
  readonly store: SessionStore;
  readonly cluster: Pick<ClusterStore, "tails">;
  readonly hub: LogHub;
  readonly notes: NodeNotes;
  /** Where the log ends of a session that this node runs; undefined: another one does, or nobody. */
  readonly localTail: (key: SessionKey) => number | undefined;
  readonly pollMs: number;
  readonly log: Logger;
}

/** With a bus, where logs end is asked for all the same: a note can be lost. */
const POLL_BESIDE_BUS_MS = 3_000;
/** Sessions whose tails are asked for at once. */
const KEYS_AT_ONCE = 500;
/** Followers that are behind by more read the store themselves, each at its own pace. */
const MOST_DELIVERED = 512;

/**
 * Brings what other nodes write to this node's followers: a note or a poll says that a log has grown, the new part is
 * read from the store once for all followers of the session, and goes to them as if it were written here. Followers
 * take it by their cursors, so that nothing is missed or doubled when a session moves between nodes.
 */
export class RemoteLogs {
  readonly #parts: RemoteLogsParts;
  /** Sessions whose logs are being read, and how far they are to be read. */
  readonly #reading = new Map<string, number>();
  readonly #polling: Periodic;
  #unlisten: (() => void) | undefined;

  constructor(parts: RemoteLogsParts) {
    this.#parts = parts;
    this.#polling = new Periodic({
      everyMs: () => (parts.notes.hasBus ? Math.max(POLL_BESIDE_BUS_MS, parts.pollMs) : parts.pollMs),
      work: () => this.#poll(),
      onError: (error) => parts.log.debug({ err: error }, "it could not be asked where logs of other nodes end"),
    });
  }

  start(): void {
    this.#unlisten = this.#parts.notes.listen({
      note: (note) => this.#heard(note),
      gap: () => this.#polling.now(),
    });
    this.#polling.start();
  }

  async stop(): Promise<void> {
    this.#unlisten?.();
    await this.#polling.stop();
  }

  #heard(note: Note): void {
    if (note.is === "tails")
      for (const [tenant, sessionId, lastSeq] of note.tails) this.#grown({ tenant, sessionId }, lastSeq);
    // Whether it is true is for the store to say.
    if (note.is === "gone" && this.#parts.hub.reached(noteKey(note.key)) !== undefined) this.#polling.now();
  }

  async #poll(): Promise<void> {
    const { hub, cluster, localTail, notes } = this.#parts;
    notes.probe();
    const keys: SessionKey[] = [];
    for (const key of hub.followed) {
      const lastSeq = localTail(key);
      if (lastSeq === undefined) keys.push(key);
      // What came before it was run here.
      else this.#grown(key, lastSeq);
    }
    for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
      const some = keys.slice(at, at + KEYS_AT_ONCE);
      const tails = await cluster.tails(some);
      for (const [index, key] of some.entries()) {
        const lastSeq = tails[index];
        if (lastSeq === null) hub.end(key);
        else if (lastSeq !== undefined) this.#grown(key, lastSeq);
      }
    }
  }

  #grown(key: SessionKey, lastSeq: number): void {
    const reached = this.#parts.hub.reached(key);
    if (reached === undefined || lastSeq <= reached) return;
    const id = `${key.tenant}\0${key.sessionId}`;
    const until = this.#reading.get(id);
    this.#reading.set(id, Math.max(until ?? 0, lastSeq));
    if (until !== undefined) return;
    this.#read(key, () => this.#reading.get(id) ?? 0)
      .catch((error: unknown) => {
        // Each follower finds out by its own cursor; whatever else it is, the next poll tries again.
        if (error instanceof CursorTooOld) this.#parts.hub.skipTo(key, lastSeq);
        this.#parts.log.debug({ err: error, sessionId: key.sessionId }, "a log of another node could not be read");
      })
      .finally(() => this.#reading.delete(id));
  }

  async #read(key: SessionKey, until: () => number): Promise<void> {
    const { hub, store } = this.#parts;
    for (;;) {
      const reached = hub.reached(key);
      if (reached === undefined || reached >= until()) return;
      if (until() - reached > MOST_DELIVERED) {
        hub.skipTo(key, until());
        continue;
      }
      const { frames } = await storedPage(store, key, reached);
      if (frames.length === 0) return;
      hub.deliver(key, frames);
    }
  }
}
