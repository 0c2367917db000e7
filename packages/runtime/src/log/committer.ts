import { RuntimeError, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import { failpoint } from "../failpoint.ts";
import type { AppendBatch, SessionKey, SessionStore } from "../persistence/session-store.ts";
import type { StoreHealth } from "./store-health.ts";

interface Waiting {
  readonly batch: AppendBatch;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Where a log ends now. */
export type LogTail = SessionKey & { readonly lastSeq: number };

/**
 * Group commit: batches of all sessions that arrive while a write is under way gather and are written together by
 * the next one. There is no timer: an idle store writes at once.
 */
export class Committer {
  readonly #store: SessionStore;
  readonly #health: StoreHealth | undefined;
  readonly #onCommitted: ((tails: readonly LogTail[]) => void) | undefined;
  #waiting: Waiting[] = [];
  #writing = false;

  /** `onCommitted`: logs have grown; called once a group, and may not throw. */
  constructor(store: SessionStore, health?: StoreHealth, onCommitted?: (tails: readonly LogTail[]) => void) {
    this.#store = store;
    this.#health = health;
    this.#onCommitted = onCommitted;
  }

  /** Resolves when the batch is stored; rejects when it is not, with a `RuntimeError`. */
  commit(batch: AppendBatch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      if (!this.#writing) void this.#write();
    });
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      await this.#writeGroup(group);
    }
    this.#writing = false;
  }

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    const outcomes = await this.#outcomes(group);
    this.#note(outcomes);
    this.#onCommitted?.(tailsOf(group, outcomes));
    for (const [index, waiting] of group.entries()) {
      const failure = outcomes[index];
      if (failure === null) waiting.resolve();
      else
        waiting.reject(failure ?? new RuntimeError("persistence_unavailable", "The store gave no outcome of a write."));
    }
  }

  async #outcomes(group: readonly Waiting[]): Promise<(RuntimeError | null)[]> {
    try {
      failpoint("append:before");
      const outcomes = await this.#store.append(group.map((waiting) => waiting.batch));
      failpoint("append:after");
      return outcomes.map((failure) => (failure === null ? null : toRuntimeError(failure, "persistence_unavailable")));
    } catch (error) {
      const failure = toRuntimeError(error, "persistence_unavailable");
      return group.map(() => failure);
    }
  }

  /** A batch that was refused for its own sake has found a store that works. */
  #note(outcomes: readonly (RuntimeError | null)[]): void {
    const faults = outcomes.flatMap((outcome) => (outcome?.code === "persistence_unavailable" ? outcome : []));
    const [fault] = faults;
    if (fault !== undefined && faults.length === outcomes.length) this.#health?.failed(fault);
    else this.#health?.worked();
  }
}

function tailsOf(group: readonly Waiting[], outcomes: readonly (RuntimeError | null)[]): LogTail[] {
  return group.flatMap(({ batch: { tenant, sessionId, expectedSeq, events } }, index) =>
    outcomes[index] === null && events.length > 0 ? [{ tenant, sessionId, lastSeq: expectedSeq + events.length }] : [],
  );
}
