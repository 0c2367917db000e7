import type { NodeBus } from "@hhopkins/agent-runtime-protocol";

type Listener = Parameters<NodeBus["subscribe"]>[0];

/** A bus between nodes of one process, with faults. Texts come later than they were published, as on a real one. */
export class MemoryBus {
  readonly #listeners = new Set<Listener>();
  /** Texts that were published, lost ones too. */
  readonly texts: string[] = [];
  /** Texts are taken and never come. */
  isLossy = false;
  /** Texts are refused. */
  failure: Error | undefined;

  /** One node's end of it. */
  end(maxBytes = 8_000): NodeBus {
    return {
      maxBytes,
      publish: async (text) => {
        if (this.failure !== undefined) throw this.failure;
        this.texts.push(text);
        if (this.isLossy) return;
        for (const listener of this.#listeners) setImmediate(() => listener.onText(text));
      },
      subscribe: async (listener) => {
        this.#listeners.add(listener);
        return async () => void this.#listeners.delete(listener);
      },
    };
  }

  /** Every node is told that it may have missed something. */
  gap(): void {
    for (const listener of this.#listeners) listener.onGap();
  }
}
