import { RuntimeError, toRuntimeError, type EventType } from "@hhopkins/agent-runtime-protocol";
import { setTimeout as delay } from "node:timers/promises";
import type { LogWrite, SessionLog } from "../log/session-log.ts";
import type { RunnerCursor } from "../persistence/session-store.ts";
import { Mailbox } from "./mailbox.ts";
import type { SessionParts } from "./session-parts.ts";

/** Events that show in a list of sessions. */
const LISTED: ReadonlySet<EventType> = new Set([
  "session:created",
  "session:status",
  "session:options:update",
  "session:turn:completed",
]);
const RETRY_MS = { first: 50, most: 5000 } as const;

export interface SessionWriterOptions {
  readonly cursor: RunnerCursor | null;
  /** The session is being let go: what cannot be saved now is not tried again. */
  readonly leaving: () => boolean;
  /** The store has another log than this one. */
  readonly onConflict: () => void;
}

/**
 * The one way in which a session's log grows: in its mailbox, one write after another. What the session itself has to
 * say is tried until the store takes it; what a client asks is refused while the store does not answer.
 */
export class SessionWriter {
  readonly #parts: SessionParts;
  readonly #log: SessionLog;
  readonly #options: SessionWriterOptions;
  readonly #mailbox = new Mailbox();
  /** Clients' requests that wait for their turn in the mailbox. */
  readonly #asking = new Set<(refusal: RuntimeError) => void>();
  #cursor: RunnerCursor | null;
  #failure: RuntimeError | undefined;

  constructor(parts: SessionParts, log: SessionLog, options: SessionWriterOptions) {
    this.#parts = parts;
    this.#log = log;
    this.#options = options;
    this.#cursor = options.cursor;
  }

  /** Up to which entry of which sandbox everything is saved. */
  get cursor(): RunnerCursor | null {
    return this.#cursor;
  }

  /** Why the store refuses at the moment, or undefined. */
  get failure(): RuntimeError | undefined {
    return this.#failure;
  }

  get busy(): boolean {
    return this.#mailbox.size > 0;
  }

  /** Resolves when nothing is written or waits to be, and nothing goes on in the background. */
  async idle(): Promise<void> {
    await this.#mailbox.idle();
    await this.#log.rest();
  }

  /** The session's own work, after what is under way. */
  run<T>(task: () => Promise<T>): Promise<T> {
    return this.#mailbox.run(task);
  }

  /** A client's request: refused with `persistence_unavailable` where it would have to wait for a store that fails. */
  async ask<T>(task: () => Promise<T>): Promise<T> {
    if (this.#failure !== undefined) throw storeUnavailable(this.#failure);
    const refused = Promise.withResolvers<never>();
    let refusal: RuntimeError | undefined;
    const refuse = (failure: RuntimeError): void => {
      refusal = storeUnavailable(failure);
      refused.reject(refusal);
    };
    this.#asking.add(refuse);
    const done = this.#mailbox.run(async () => {
      this.#asking.delete(refuse);
      if (refusal !== undefined) throw refusal;
      return task();
    });
    return Promise.race([done, refused.promise]);
  }

  /** One try. Only inside of `run` and `ask`. */
  async append(write: LogWrite): Promise<void> {
    try {
      await this.#log.append(write);
    } catch (error) {
      if (error instanceof RuntimeError && error.code === "sequence_conflict") this.#options.onConflict();
      throw error;
    }
    if (write.cursor !== undefined) this.#cursor = write.cursor;
    if (write.events.some(({ type }) => LISTED.has(type))) this.#parts.onListed(this.#log.key, this.#log.state);
  }

  /** Tries until the store takes it, unless the session is being let go. Only inside of `run` and `ask`. */
  async save(write: LogWrite | (() => Promise<LogWrite>)): Promise<void> {
    for (let wait: number = RETRY_MS.first; ; wait = Math.min(wait * 2, RETRY_MS.most)) {
      try {
        await this.append(typeof write === "function" ? await write() : write);
        this.#failure = undefined;
        return;
      } catch (error) {
        const failure = toRuntimeError(error, "persistence_unavailable");
        if (failure.code !== "persistence_unavailable" || this.#options.leaving()) throw failure;
        this.#fail(failure);
        this.#parts.log.warn({ err: failure, sessionId: this.#log.key.sessionId, waitMs: wait }, "the store refuses; trying again");
        await delay(wait);
      }
    }
  }

  #fail(failure: RuntimeError): void {
    this.#failure = failure;
    for (const refuse of this.#asking) refuse(failure);
    this.#asking.clear();
  }
}

function storeUnavailable(cause: RuntimeError): RuntimeError {
  return new RuntimeError("persistence_unavailable", "The store does not answer; nothing was accepted. Send again later.", { cause, retryAfter: 5 });
}
