import type { AgentClient } from "@hhopkins/agent-runtime-client";
import type { SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { Timeline } from "./timeline.ts";
import { errorText } from "../ui/error-text.ts";

/** An event of the log; `from` where it stands for those before it too, since they were compacted. */
export type TapeEvent = SessionEvent & { readonly from?: number };

export interface TapeSnapshot {
  /** Without holes but those that compaction left, oldest first. */
  readonly events: readonly TapeEvent[];
  /** The `seq` before the first of `events`: 0 when the log is here from its beginning; undefined before anything is here. */
  readonly after: number | undefined;
  /** There when the whole log is. */
  readonly timeline: Timeline | undefined;
  readonly isReading: boolean;
  /** Why reading ended. */
  readonly error: string | undefined;
}

export interface TapeOptions {
  readonly sessionId: string;
  /** A log with another id needs another tape. */
  readonly logId: string;
  readonly client: Pick<AgentClient, "readEvents">;
  /** Events that are shown before the rest has been read; 1000. */
  readonly tail?: number;
}

const NOTHING: TapeSnapshot = {
  events: [],
  after: undefined,
  timeline: undefined,
  isReading: false,
  error: undefined,
};

/**
 * A session's log in the page: first its end, then the rest when it is asked for, and what is added while it is looked
 * at. A store in the shape of `useSyncExternalStore`.
 */
export class Tape {
  readonly #options: TapeOptions;
  readonly #listeners = new Set<() => void>();
  #snapshot = NOTHING;
  #stop = new AbortController();

  constructor(options: TapeOptions) {
    this.#options = options;
  }

  getSnapshot = (): TapeSnapshot => this.#snapshot;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      // Nobody looks any more.
      if (this.#listeners.size === 0) this.#stop.abort();
    };
  };

  /** The last `seq` that is here. */
  get end(): number {
    const { events, after } = this.#snapshot;
    return events.at(-1)?.seq ?? after ?? 0;
  }

  /** Brings what is here up to `lastSeq`; from nothing only the end of the log. */
  readTo(lastSeq: number): Promise<void> {
    if (this.#snapshot.after === undefined) {
      const tail = this.#options.tail ?? 1000;
      this.#change({ after: Math.max(0, lastSeq - tail) });
    }
    if (this.end >= lastSeq) return Promise.resolve();
    return this.#reading(async (signal) => {
      for await (const batch of this.#read({ after: this.end, upTo: lastSeq, signal })) this.push(batch);
    });
  }

  /** Brings everything before what is here, and with it the `timeline`. */
  readAll(): Promise<void> {
    const { after, timeline } = this.#snapshot;
    if (after === undefined || timeline !== undefined) return Promise.resolve();
    return this.#reading(async (signal) => {
      const older: TapeEvent[] = [];
      const { sessionId, logId } = this.#options;
      const whole = new Timeline(sessionId, logId);
      if (after > 0)
        for await (const batch of this.#read({ after: 0, upTo: after, signal })) {
          older.push(...batch);
          // With each batch: no long pause at the end.
          whole.append(batch);
        }
      whole.append(this.#snapshot.events);
      this.#change({ events: [...older, ...this.#snapshot.events], after: 0, timeline: whole });
    });
  }

  /** Takes live events; those that do not go on where the tape ends are left for `readTo`. */
  push(events: readonly TapeEvent[]): void {
    const { after, timeline } = this.#snapshot;
    if (after === undefined) return;
    let end = this.end;
    const next: TapeEvent[] = [];
    for (const event of events) {
      if (event.seq <= end || (event.from ?? event.seq) > end + 1) continue;
      next.push(event);
      end = event.seq;
    }
    if (next.length === 0) return;
    timeline?.append(next);
    this.#change({ events: [...this.#snapshot.events, ...next] });
  }

  #read(options: { after: number; upTo: number; signal: AbortSignal }): AsyncIterable<readonly TapeEvent[]> {
    return this.#options.client.readEvents(this.#options.sessionId, options);
  }

  async #reading(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.#snapshot.isReading) return;
    if (this.#stop.signal.aborted) this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#change({ isReading: true, error: undefined });
    try {
      await work(signal);
      this.#change({ isReading: false });
    } catch (error) {
      const reason = signal.aborted ? undefined : errorText(error);
      this.#change({ isReading: false, error: reason });
    }
  }

  #change(changes: Partial<TapeSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...changes };
    for (const listener of this.#listeners) listener();
  }
}
