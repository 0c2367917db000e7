import { initialState, reduce, type SessionState } from "@hhopkins/agent-runtime-protocol";
import type { SessionKey } from "../../persistence/session-store.ts";
import { followLog } from "../follower.ts";
import type { LogFrame } from "../frame.ts";
import { mergedFrames } from "../merging.ts";
import type { LogParts } from "../session-log.ts";

/** A client at a log, without a line in between: it folds what it is given, and accepts no hole. */
export class Reader {
  readonly #key: SessionKey;
  #parts: LogParts;
  #state: SessionState;
  #stop = new AbortController();
  #frames: AsyncGenerator<readonly LogFrame[]> | undefined;

  constructor(parts: LogParts, key: SessionKey, state: SessionState = initialState(key.sessionId, "log1")) {
    this.#parts = parts;
    this.#key = key;
    this.#state = state;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The line is cut; the next read goes on by the cursor, at `parts` or at `state`. */
  async cut({
    parts = this.#parts,
    state = this.#state,
  }: { parts?: LogParts; state?: SessionState } = {}): Promise<void> {
    this.#stop.abort();
    await this.#frames?.return(undefined);
    this.#frames = undefined;
    this.#stop = new AbortController();
    this.#parts = parts;
    this.#state = state;
  }

  /** Takes batches until there were `most` or the log's end at `lastSeq` is reached; a slow client's frames are merged. */
  async read(
    lastSeq: number,
    { most = Infinity, isSlow = false }: { most?: number; isSlow?: boolean } = {},
  ): Promise<void> {
    for (let count = 0; count < most && this.#state.lastSeq < lastSeq; count += 1) {
      this.#frames ??= followLog(this.#parts, this.#key, { after: this.#state.lastSeq, signal: this.#stop.signal });
      const { value } = (await this.#frames.next()) as IteratorResult<readonly LogFrame[], undefined>;
      if (value === undefined) throw new Error(`the stream ended at ${this.#state.lastSeq}`);
      for (const frame of isSlow ? mergedFrames(value) : value) this.#fold(frame);
    }
  }

  #fold(frame: LogFrame): void {
    const sent = JSON.parse(frame.webSocket) as {
      event: string;
      data: unknown;
      seq: number;
      from?: number;
      at: string;
    };
    if ((sent.from ?? sent.seq) !== this.#state.lastSeq + 1)
      throw new Error(`frame ${sent.seq} after ${this.#state.lastSeq}`);
    const { event: type, data, seq, at } = sent;
    this.#state = reduce(this.#state, { seq, at, type, data } as Parameters<typeof reduce>[1]);
  }
}
