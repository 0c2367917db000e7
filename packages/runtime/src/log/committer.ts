import { toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import { failpoint } from "../failpoint.ts";
import type { AppendBatch, SessionStore } from "../persistence/session-store.ts";

interface Waiting {
  readonly batch: AppendBatch;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Group commit: batches of all sessions that arrive while a write is under way gather and are written together by
 * the next one. There is no timer: an idle store writes at once.
 */
export class Committer {
  readonly #store: SessionStore;
  #waiting: Waiting[] = [];
  #writing = false;

  constructor(store: SessionStore) {
    this.#store = store;
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
    try {
      failpoint("append:before");
      const outcomes = await this.#store.append(group.map((waiting) => waiting.batch));
      failpoint("append:after");
      for (const [index, waiting] of group.entries()) {
        const failure = outcomes[index];
        if (failure === null) waiting.resolve();
        else
          waiting.reject(toRuntimeError(failure ?? new Error("the store gave no outcome"), "persistence_unavailable"));
      }
    } catch (error) {
      for (const waiting of group) waiting.reject(toRuntimeError(error, "persistence_unavailable"));
    }
  }
}
