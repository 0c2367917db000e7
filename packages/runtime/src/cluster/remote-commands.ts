import { RuntimeError, type ClusterStore, type CommandAnswer } from "@hhopkins/agent-runtime-protocol";
import type { Logger } from "../logger.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import { errorOf } from "./command-error.ts";
import type { NodeNotes } from "./node-notes.ts";
import { Periodic } from "./periodic.ts";
import {
  LONG_METHODS,
  methodAnswer,
  type MethodAnswer,
  type MethodBody,
  type SessionMethod,
} from "./session-methods.ts";

export interface RemoteCommandsParts {
  readonly nodeId: string;
  readonly cluster: Pick<ClusterStore, "send" | "answers" | "forget" | "lease">;
  readonly notes: NodeNotes;
  /** How long a node that died keeps its sessions. */
  readonly leaseMs: number;
  readonly pollMs: number;
  readonly log: Logger;
}

/** What is asked of a session, and of which node as far as is known. */
export interface RemoteCommand<M extends SessionMethod> {
  readonly key: SessionKey;
  readonly method: M;
  readonly body: MethodBody<M>;
  readonly nodeId: string;
}

interface Asked {
  readonly answered: (answer: CommandAnswer) => void;
  readonly unanswered: () => void;
}

/** Beyond the time that it takes until a dead node's sessions have another one. */
const QUICK_MS = 5_000;
const LONG_MS = 120_000;
const ANSWERS_AT_ONCE = 500;

/**
 * Asks other nodes to do what only the node can that runs a session. The store keeps what is asked until whoever has the
 * session's lease by then has done it, so an answer comes even if the node that was asked dies over it.
 */
export class RemoteCommands {
  readonly #parts: RemoteCommandsParts;
  readonly #asked = new Map<string, Asked>();
  readonly #fetching: Periodic;
  #unlisten: (() => void) | undefined;
  #count = 0;
  #stopped = false;

  constructor(parts: RemoteCommandsParts) {
    this.#parts = parts;
    this.#fetching = new Periodic({
      everyMs: () => parts.pollMs,
      work: () => this.#fetch(),
      onError: (error) => parts.log.debug({ err: error }, "answers of other nodes could not be fetched"),
    });
  }

  start(): void {
    this.#unlisten = this.#parts.notes.listen({
      note: (note) => {
        if (note.is === "answer" && note.to === this.#parts.nodeId) this.#fetching.now();
      },
      gap: () => this.#fetching.now(),
    });
    this.#fetching.start();
  }

  /** Who waits for an answer gets none. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unlisten?.();
    for (const { unanswered } of this.#asked.values()) unanswered();
    await this.#fetching.stop();
  }

  /** The other node that runs the session now, if any. */
  async holder(key: SessionKey): Promise<string | undefined> {
    const lease = await this.#parts.cluster.lease(key);
    return lease === null || lease.nodeId === this.#parts.nodeId ? undefined : lease.nodeId;
  }

  /** This node has answered one of its own: the session has moved here meanwhile. */
  fetch(): void {
    this.#fetching.now();
  }

  /**
   * The answer of the node that runs the session; its refusal is thrown as it is. Without an answer within a bound it
   * rejects with `NoAnswer`: a message is then kept and will be taken all the same, anything else will not be done any more.
   */
  async ask<M extends SessionMethod>({ key, method, body, nodeId }: RemoteCommand<M>): Promise<MethodAnswer<M>> {
    if (this.#stopped) throw new RuntimeError("shutting_down", "The server is shutting down.", { retryAfter: 1 });
    const { cluster, notes, nodeId: from } = this.#parts;
    const id = `${from}.${String((this.#count += 1)).padStart(10, "0")}`;
    const boundMs = this.#boundMs(method);
    const outcome = Promise.withResolvers<CommandAnswer>();
    const unanswered = (): void => outcome.reject(new NoAnswer(key));
    this.#asked.set(id, { answered: outcome.resolve, unanswered });
    const timer = setTimeout(unanswered, boundMs);
    outcome.promise.catch(() => undefined);
    try {
      const validMs = method === "send" ? {} : { validMs: boundMs };
      const { tenant, sessionId } = key;
      await cluster.send({ tenant, sessionId, id, from, method, body, ...validMs });
      notes.tell({ is: "command", to: nodeId });
      const answer = await outcome.promise;
      if (!answer.ok) throw errorOf(answer.error);
      return methodAnswer(method, answer.data);
    } finally {
      clearTimeout(timer);
      this.#asked.delete(id);
    }
  }

  #boundMs(method: SessionMethod): number {
    const { leaseMs } = this.#parts;
    // A message is kept from now on: who sent it need not wait for a node that may be dead.
    if (method === "send") return Math.max(leaseMs / 2, 1_000);
    return leaseMs + (LONG_METHODS.has(method) ? LONG_MS : QUICK_MS);
  }

  async #fetch(): Promise<void> {
    const { cluster } = this.#parts;
    const all = [...this.#asked.keys()];
    for (let at = 0; at < all.length; at += ANSWERS_AT_ONCE) {
      const ids = all.slice(at, at + ANSWERS_AT_ONCE);
      const answers = await cluster.answers(ids);
      const done = ids.filter((id, index) => {
        const answer = answers[index] ?? null;
        if (answer !== null) this.#asked.get(id)?.answered(answer);
        return answer !== null;
      });
      // Whatever is not forgotten is swept after a minute.
      if (done.length > 0) void cluster.forget(done).catch(() => undefined);
    }
  }
}

/** Nobody has done it in time, as far as is known here. */
export class NoAnswer extends RuntimeError {
  constructor({ sessionId }: SessionKey) {
    const message = `The server that runs session ${sessionId} did not answer; whether it did what was asked is not known. Look at the session, and ask again.`;
    super("unavailable", message, { retryAfter: 2 });
  }
}
