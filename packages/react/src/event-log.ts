import type { LiveEvent } from "@hhopkins/agent-runtime-client";

/** An event of a session that is followed. */
export type ReceivedEvent = LiveEvent & { readonly sessionId: string };

/** Events that are kept; the oldest go first. */
const MOST_EVENTS = 1000;
const NONE: readonly ReceivedEvent[] = [];

/** The last events of all sessions that are followed, kept while somebody looks at them, or while `debug` is on. */
export class EventLog {
  readonly #listeners = new Set<() => void>();
  #events = NONE;
  #isDebugging = false;
  #isTelling = false;

  getSnapshot = (): readonly ReceivedEvent[] => this.#events;
  getServerSnapshot = (): readonly ReceivedEvent[] => NONE;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  clear = (): void => {
    this.#events = NONE;
    for (const listener of this.#listeners) listener();
  };

  /** With `isOn` events are kept all the time, and told to the browser's console. */
  debug(isOn: boolean): void {
    this.#isDebugging = isOn;
  }

  add(sessionId: string, event: LiveEvent): void {
    // oxlint-disable-next-line no-console -- what `debug` is for
    if (this.#isDebugging) console.debug("agent-runtime", sessionId, event.seq, event.type, event.data);
    else if (this.#listeners.size === 0) return;
    this.#events = [...this.#events.slice(1 - MOST_EVENTS), { ...event, sessionId }];
    if (this.#isTelling) return;
    // Many events come at once; they are told once.
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      for (const listener of this.#listeners) listener();
    });
  }
}
