import { activityOf, RuntimeError, toRuntimeError, type EventType } from "@hhopkins/agent-runtime-protocol";
import type { LogWrite, SessionLog } from "../log/session-log.ts";
import type { RunnerCursor } from "../persistence/session-store.ts";
import { Mailbox } from "./mailbox.ts";
import { countedWrite, type TakenCount } from "./model-use.ts";
import type { SessionParts } from "./session-parts.ts";
import type { UnsavedAccount } from "./unsaved-bytes.ts";

/** Events that show in a list of sessions. */
const LISTED: ReadonlySet<EventType> = new Set([
  "session:created",
  "session:status",
  "session:metadata:update",
  "session:options:update",
  "session:turn:completed",
  "session:rewound",
]);
/** What a request that waits costs beside its own content. */
const REQUEST_BYTES = 1024;

export interface SessionWriterOptions {
  readonly cursor: RunnerCursor | null;
  /** Fires when the session is being let go: what cannot be saved now is not tried again. */
  readonly leaving: AbortSignal;
  /** The log has grown. */
  readonly onAppended: () => void;
  /** The store has another log than this one. */
  readonly onConflict: () => void;
  /** Another server has the session now, and this one's writes are refused. */
  readonly onStale: () => void;
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
  /** What this session holds in memory that is not saved. */
  readonly unsaved: UnsavedAccount;
  #cursor: RunnerCursor | null;
  #failure: RuntimeError | undefined;
  /** A write failed, and it is not known whether it was done. */
  #uncertain = false;
  /** Counts in the write of which that is not known. */
  #inDoubt: TakenCount | null = null;

  constructor(parts: SessionParts, log: SessionLog, options: SessionWriterOptions) {
    this.#parts = parts;
    this.#log = log;
    this.#options = options;
    this.#cursor = options.cursor;
    this.unsaved = parts.unsaved.account();
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

  /**
   * A client's request: refused with `persistence_unavailable` where it would have to wait for a store that fails, or
   * would be more than may wait. `bytes`: of what it holds.
   */
  async ask<T>(task: () => Promise<T>, bytes = 0): Promise<T> {
    if (this.#failure !== undefined) throw storeUnavailable(this.#failure);
    const held = bytes + REQUEST_BYTES;
    if (!this.unsaved.hasRoom(held)) throw tooMuchUnsaved();
    this.unsaved.change(held, 0);
    const refused = Promise.withResolvers<never>();
    let refusal: RuntimeError | undefined;
    const refuse = (failure: RuntimeError): void => {
      refusal = storeUnavailable(failure);
      refused.reject(refusal);
    };
    this.#asking.add(refuse);
    const done = this.#mailbox.run(async () => {
      this.#asking.delete(refuse);
      try {
        if (refusal !== undefined) throw refusal;
        return await task();
      } catch (error) {
        throw await this.#refusalOf(error);
      } finally {
        this.unsaved.change(-held, 0);
      }
    });
    return Promise.race([done, refused.promise]);
  }

  /** What a client is told; before, it has to be known whether its write was done after all. */
  async #refusalOf(error: unknown): Promise<unknown> {
    const uncertain = this.#uncertain;
    try {
      await this.#settle();
    } catch (settling) {
      const failure = toRuntimeError(settling, "persistence_unavailable");
      if (failure.code !== "persistence_unavailable") return failure;
      this.#fail(failure);
      void this.recheck();
      return outcomeUnknown(failure);
    }
    const failure = toRuntimeError(error);
    const isStores = uncertain || (failure.code === "persistence_unavailable" && failure.retryAfter === undefined);
    return isStores ? storeUnavailable(failure) : error;
  }

  /** One try. Only inside of `run` and `ask`. */
  async append(write: LogWrite): Promise<void> {
    if (this.#uncertain) await this.#settle();
    const { key, state } = this.#log;
    const { counted, taken } = countedWrite(write, state, this.#parts.modelUses.of(key));
    try {
      await this.#log.append(counted);
    } catch (error) {
      const { code } = toRuntimeError(error, "persistence_unavailable");
      if (code === "persistence_unavailable") this.#inDoubt = taken;
      else taken?.undo();
      if (code === "sequence_conflict") this.#options.onConflict();
      if (code === "stale_fence") this.#options.onStale();
      // Refused, or written and not answered.
      if (code === "persistence_unavailable") this.#uncertain = true;
      throw error;
    }
    if (write.cursor !== undefined) this.#cursor = write.cursor;
    const isListed =
      write.events.some(({ type }) => LISTED.has(type)) || activityOf(state) !== activityOf(this.#log.state);
    if (isListed) this.#parts.onListed(this.#log.key, this.#log.state);
    if (write.events.length > 0) this.#options.onAppended();
  }

  /** Tries until the store takes it, unless the session is being let go. Only inside of `run` and `ask`. */
  async save(write: LogWrite | (() => Promise<LogWrite>)): Promise<void> {
    await this.#untilDone(async () => this.append(typeof write === "function" ? await write() : write));
  }

  /** Finds out what became of a write of which the store did not say so. */
  async recheck(): Promise<void> {
    this.#uncertain = true;
    await this.run(() => this.#untilDone(() => this.#settle())).catch((error: unknown) => {
      this.#parts.log.debug({ err: error, sessionId: this.#log.key.sessionId }, "it is not known what the store has");
    });
  }

  async #untilDone(work: () => Promise<void>): Promise<void> {
    const { leaving } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await work();
        this.#recovered();
        return;
      } catch (error) {
        const failure = toRuntimeError(error, "persistence_unavailable");
        if (failure.code !== "persistence_unavailable" || leaving.aborted) throw failure;
        this.#fail(failure);
        this.#parts.log.warn(
          { err: failure, sessionId: this.#log.key.sessionId, attempt },
          "the store refuses; trying again",
        );
        await this.#parts.health.turn(attempt, leaving);
      }
    }
  }

  /** Throws `sequence_conflict` where the store has what it did not say that it took: then its log is the truth. */
  async #settle(): Promise<void> {
    if (!this.#uncertain) return;
    const { key, state } = this.#log;
    const head = await this.#parts.store.head(key);
    this.#uncertain = false;
    const inDoubt = this.#inDoubt;
    this.#inDoubt = null;
    if (head !== null && head.lastSeq === state.lastSeq && isSame(head.cursor, this.#cursor)) return inDoubt?.undo();
    this.#options.onConflict();
    throw new RuntimeError(
      "sequence_conflict",
      `The store has more of session ${key.sessionId} than it said that it took; the session is loaded again.`,
    );
  }

  #recovered(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#parts.notices.set(this.#log.key, undefined);
    this.#parts.log.info({ sessionId: this.#log.key.sessionId }, "the store takes writes again");
  }

  #fail(failure: RuntimeError): void {
    if (this.#failure === undefined) {
      const { code } = failure;
      this.#parts.notices.set(this.#log.key, {
        code,
        message: "The session cannot be saved at the moment; what it does is shown once it is.",
      });
    }
    this.#failure = failure;
    for (const refuse of this.#asking) refuse(failure);
    this.#asking.clear();
  }
}

function storeUnavailable(cause: RuntimeError): RuntimeError {
  return new RuntimeError(
    "persistence_unavailable",
    "The store does not answer; nothing was accepted. Send again later.",
    { cause, retryAfter: 5 },
  );
}

function outcomeUnknown(cause: RuntimeError): RuntimeError {
  const message =
    "The store does not answer, and has taken this or has not. Send it again later; with the same messageId or Idempotency-Key it counts once.";
  return new RuntimeError("persistence_unavailable", message, { cause, retryAfter: 5 });
}

function tooMuchUnsaved(): RuntimeError {
  return new RuntimeError(
    "persistence_unavailable",
    "Too much waits to be saved; nothing was accepted. Send again later.",
    { retryAfter: 5 },
  );
}

function isSame(a: RunnerCursor | null, b: RunnerCursor | null): boolean {
  return a?.generation === b?.generation && a?.n === b?.n;
}
