import { SessionListItem } from "@hhopkins/agent-runtime-protocol";
import type { Logger } from "../logger.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import type { ListWatch } from "../log/list-watch.ts";
import { noteKey, type Note } from "./note.ts";
import type { NodeNotes } from "./node-notes.ts";

/** Rejects where there is no such session. */
export type ListedSession = (key: SessionKey) => Promise<SessionListItem>;

export interface RemoteListParts {
  readonly notes: NodeNotes;
  readonly watch: ListWatch;
  readonly listed: ListedSession;
  readonly log: Logger;
}

/** Tells who watches a list here what has changed in it on other nodes. As good as the notes are: nothing is kept. */
export class RemoteList {
  readonly #parts: RemoteListParts;
  /** By session: what is told of it now. */
  readonly #telling = new Map<string, Promise<void>>();
  #unlisten: (() => void) | undefined;

  constructor(parts: RemoteListParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#unlisten = this.#parts.notes.listen({ note: (note) => this.#heard(note), gap: () => undefined });
  }

  stop(): void {
    this.#unlisten?.();
  }

  #heard(note: Note): void {
    if (note.is !== "listed" && note.is !== "gone") return;
    const key = noteKey(note.key);
    if (!this.#parts.watch.isWatched(key.tenant)) return;
    // In the order in which it was told: what is read late must not bring back what is gone.
    const place = JSON.stringify(note.key);
    const telling = (this.#telling.get(place) ?? Promise.resolve()).then(() => this.#tell(key, note));
    this.#telling.set(place, telling);
    void telling.then(() => {
      if (this.#telling.get(place) === telling) this.#telling.delete(place);
    });
  }

  /** Never rejects. */
  async #tell(key: SessionKey, note: Extract<Note, { is: "listed" | "gone" }>): Promise<void> {
    const { watch, log } = this.#parts;
    const { tenant, sessionId } = key;
    try {
      if (note.is === "gone") watch.heard(tenant, { event: "sessions:removed", sessionId });
      else watch.heard(tenant, { event: "sessions:updated", session: await this.#item(key, note.item) });
    } catch (error) {
      log.debug({ err: error, sessionId }, "what a list shows of a session is not known");
    }
  }

  /** As it was told, or from the store where it was too long for a note. */
  async #item(key: SessionKey, told: unknown): Promise<SessionListItem> {
    const parsed = SessionListItem.safeParse(told);
    return parsed.success ? parsed.data : this.#parts.listed(key);
  }
}
