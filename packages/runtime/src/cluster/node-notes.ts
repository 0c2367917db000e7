import { toRuntimeError, RuntimeError, type NodeBus } from "@hhopkins/agent-runtime-protocol";
import type { Logger } from "../logger.ts";
import { withDeadline } from "../persistence/deadline.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import { parsedNote, tailTexts, type Note, type NoteBody } from "./note.ts";

export interface NodeNotesOptions {
  readonly nodeId: string;
  /** Absent: nothing is sent, and nothing comes. */
  readonly bus: NodeBus | undefined;
  /** Whether there is somebody to tell. */
  readonly hasOthers: () => boolean;
  readonly log: Logger;
  /** For the bus to take a text; the next ones wait meanwhile. Default: 5 s. */
  readonly publishMs?: number;
}

/** Who is told of notes of other nodes. */
export interface NoteListener {
  note(note: Note): void;
  /** Notes may have been missed. */
  gap(): void;
}

const PUBLISH_MS = 5_000;
/** Texts that wait for the bus; beyond, the oldest is left to polling. */
const MOST_WAITING = 1_000;

/**
 * What nodes tell each other over a bus, so that nobody has to wait for the next poll. Nothing is promised: a note
 * that is lost costs time. Where logs end gathers while a text is under way: one text a group commit, or fewer.
 */
export class NodeNotes {
  readonly #options: NodeNotesOptions;
  readonly #listeners = new Set<NoteListener>();
  /** By session: where its log ends. */
  readonly #tails = new Map<string, [string, string, number]>();
  #texts: string[] = [];
  #sending: Promise<void> | undefined;
  #unsubscribe: (() => Promise<void>) | undefined;
  #failing = false;

  constructor(options: NodeNotesOptions) {
    this.#options = options;
  }

  /** Others are told and heard, as far as is known: without it everything is found by polling. */
  get hasBus(): boolean {
    return this.#unsubscribe !== undefined && !this.#failing;
  }

  /** Finds out whether the bus takes texts, for a node that has nothing to say. */
  probe(): void {
    this.tell({ is: "here" });
  }

  /** Rejects where the bus cannot be had. */
  async start(): Promise<void> {
    const { bus } = this.#options;
    if (bus === undefined) return;
    await bus.open?.();
    this.#unsubscribe = await bus.subscribe({
      onText: (text) => this.#heard(text),
      onGap: () => {
        for (const listener of this.#listeners) listener.gap();
      },
    });
  }

  /** Sends what waits, as far as the bus takes it, and ends. */
  async stop(): Promise<void> {
    const { bus, log } = this.#options;
    const unsubscribe = this.#unsubscribe;
    this.#unsubscribe = undefined;
    await this.#sending;
    try {
      await unsubscribe?.();
      await bus?.close?.();
    } catch (error) {
      log.debug({ err: error }, "the bus could not be closed");
    }
  }

  /** Returns how to stop. Listeners may not throw. */
  listen(listener: NoteListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells the others; is not waited for. */
  tell(note: NoteBody): void {
    if (!this.#canTell) return;
    const { nodeId, bus } = this.#options;
    const text = JSON.stringify({ ...note, from: nodeId });
    if (bus === undefined || Buffer.byteLength(text) > bus.maxBytes) {
      if (note.is === "listed" && note.item !== undefined) this.tell({ is: "listed", key: note.key });
      return;
    }
    this.#texts.push(text);
    if (this.#texts.length > MOST_WAITING) this.#texts.shift();
    this.#send();
  }

  /** Tells where logs end after a group commit. */
  committed(tails: readonly (SessionKey & { readonly lastSeq: number })[]): void {
    if (!this.#canTell || tails.length === 0) return;
    for (const { tenant, sessionId, lastSeq } of tails)
      this.#tails.set(`${tenant}\0${sessionId}`, [tenant, sessionId, lastSeq]);
    this.#send();
  }

  leaseFreed(): void {
    this.tell({ is: "free" });
  }

  onLeaseFreed(listener: () => void): () => void {
    return this.listen({
      note: ({ is }) => {
        if (is === "free") listener();
      },
      gap: listener,
    });
  }

  get #canTell(): boolean {
    return this.#unsubscribe !== undefined && this.#options.hasOthers();
  }

  #heard(text: string): void {
    const note = parsedNote(text);
    if (note === null || note.from === this.#options.nodeId) return;
    for (const listener of this.#listeners) listener.note(note);
  }

  #send(): void {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    const { bus, nodeId } = this.#options;
    if (bus === undefined) return;
    // Whatever this tick still has to say goes along.
    await Promise.resolve();
    while (this.#texts.length > 0 || this.#tails.size > 0) {
      const tails = [...this.#tails.values()];
      this.#tails.clear();
      const texts = [...this.#texts, ...(tails.length === 0 ? [] : tailTexts(nodeId, tails, bus.maxBytes))];
      this.#texts = [];
      await Promise.all(texts.map((text) => this.#publish(bus, text)));
    }
  }

  async #publish(bus: NodeBus, text: string): Promise<void> {
    const { publishMs = PUBLISH_MS, log } = this.#options;
    const late = (): RuntimeError => new RuntimeError("unavailable", `The bus took nothing for ${publishMs} ms.`);
    try {
      await withDeadline(bus.publish(text), publishMs, late);
      this.#failing = false;
    } catch (error) {
      // Once, and not at each note: the others poll meanwhile.
      if (!this.#failing)
        log.warn({ err: toRuntimeError(error) }, "the bus does not take notes; other nodes find out by polling");
      this.#failing = true;
    }
  }
}
