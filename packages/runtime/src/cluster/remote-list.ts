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
    const { watch, log } = this.#parts;
    if (note.is !== "listed" && note.is !== "gone") return;
    const { tenant, sessionId } = noteKey(note.key);
    if (!watch.isWatched(tenant)) return;
    if (note.is === "gone") return watch.heard(tenant, { event: "sessions:removed", sessionId });
    this.#item({ tenant, sessionId }, note.item)
      .then((session) => watch.heard(tenant, { event: "sessions:updated", session }))
      .catch((error: unknown) => log.debug({ err: error, sessionId }, "what a list shows of a session is not known"));
  }

  /** As it was told, or from the store where it was too long for a note. */
  async #item(key: SessionKey, told: unknown): Promise<SessionListItem> {
    const parsed = SessionListItem.safeParse(told);
    return parsed.success ? parsed.data : this.#parts.listed(key);
  }
}
