import {
  ERROR_CODES,
  RuntimeError,
  toRuntimeError,
  type ClusterStore,
  type CommandAnswer,
} from "@hhopkins/agent-runtime-protocol";
import type { Logger } from "../logger.ts";
import type { SessionCommand, SessionKey } from "../persistence/session-store.ts";
import { refusalOf } from "./command-error.ts";
import type { NodeNotes } from "./node-notes.ts";
import { Periodic } from "./periodic.ts";
import {
  isSessionMethod,
  LONG_METHODS,
  methodBody,
  type MethodAnswer,
  type MethodBody,
  type SessionMethod,
} from "./session-methods.ts";

/** Does on this node what is asked of a session that it runs. Rejects with `RunsElsewhere` and `stale_fence` where it does not any more. */
export type RunMethod = <M extends SessionMethod>(
  key: SessionKey,
  method: M,
  body: MethodBody<M>,
) => Promise<MethodAnswer<M>>;

export interface CommandExecutorParts {
  readonly nodeId: string;
  readonly cluster: Pick<ClusterStore, "waiting" | "answer" | "answers">;
  readonly notes: NodeNotes;
  readonly run: RunMethod;
  /** A command of this node's own has its answer. */
  readonly onOwnAnswer: () => void;
  readonly pollMs: number;
  readonly log: Logger;
}

/** With a bus, it is looked for commands all the same: a note can be lost, and a session taken over brings what waits for it. */
const POLL_BESIDE_BUS_MS = 1_000;
/** A message may be a megabyte. */
const COMMANDS_AT_ONCE = 50;
const MOST_UNKEPT = 1_000;

/**
 * Does what other nodes ask of sessions that this one runs: in order for a session, sessions side by side. What could
 * not be done because the session has another node by now is left for that one, and so is a message while the store or
 * the session takes nothing: it was promised.
 */
export class CommandExecutor {
  readonly #parts: CommandExecutorParts;
  readonly #running = new Map<string, Promise<void>>();
  /** Answered since the last look began: what that look finds may be from before. */
  readonly #answered = new Set<string>();
  /** By session: the last of those that have to wait for one another. */
  readonly #order = new Map<string, Promise<unknown>>();
  /** By command: answers that could not be kept. What was done is not done again for it. */
  readonly #unkept = new Map<string, CommandAnswer>();
  readonly #taking: Periodic;
  /** There was not room for all. */
  #hasMore = false;
  #unlisten: (() => void) | undefined;

  constructor(parts: CommandExecutorParts) {
    this.#parts = parts;
    this.#taking = new Periodic({
      everyMs: () => (parts.notes.hasBus ? Math.max(POLL_BESIDE_BUS_MS, parts.pollMs) : parts.pollMs),
      work: () => this.#take(),
      onError: (error) => parts.log.debug({ err: error }, "commands of other nodes could not be fetched"),
    });
  }

  start(): void {
    this.#unlisten = this.#parts.notes.listen({
      note: (note) => {
        if (note.is === "command" && note.to === this.#parts.nodeId) this.#taking.now();
      },
      gap: () => this.#taking.now(),
    });
    this.#taking.start();
  }

  /** Something may wait: a session has come to this node. */
  look(): void {
    this.#taking.now();
  }

  /** Takes nothing more. What is under way ends as the sessions do. */
  async stop(): Promise<void> {
    this.#unlisten?.();
    await this.#taking.stop();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  async #take(): Promise<void> {
    const { cluster, nodeId } = this.#parts;
    const limit = COMMANDS_AT_ONCE + this.#running.size;
    const answered = [...this.#answered];
    const commands = await cluster.waiting(nodeId, limit);
    this.#hasMore = commands.length === limit;
    for (const command of commands) {
      if (this.#running.has(command.id) || this.#answered.has(command.id)) continue;
      const done = this.#inOrder(command).then((isDone) => {
        this.#running.delete(command.id);
        if (isDone) this.#answered.add(command.id);
        // One that is left for later makes no room.
        if (isDone && this.#hasMore) this.#taking.now();
      });
      this.#running.set(command.id, done);
    }
    // Whoever asks from now on does not find them.
    for (const id of answered) this.#answered.delete(id);
  }

  /** Whether it is answered. Never rejects. */
  #inOrder(command: SessionCommand): Promise<boolean> {
    const session = `${command.tenant}\0${command.sessionId}`;
    const before: Promise<unknown> = this.#order.get(session) ?? Promise.resolve();
    const isLong = isSessionMethod(command.method) && LONG_METHODS.has(command.method);
    const ready = before.then(async () => !isLong || (await this.#isWaiting(command)));
    const done = ready.then((isWaiting) => isWaiting && this.#execute(command));
    // What takes long begins in its turn, and nobody waits for its end.
    const turn = isLong ? ready : done;
    this.#order.set(session, turn);
    void turn.then(() => {
      if (this.#order.get(session) === turn) this.#order.delete(session);
    });
    return done;
  }

  async #execute(command: SessionCommand): Promise<boolean> {
    const { cluster, notes, nodeId, onOwnAnswer, log } = this.#parts;
    try {
      const answer = this.#unkept.get(command.id) ?? (await this.#answerTo(command));
      if (answer === null) return false;
      this.#unkept.set(command.id, answer);
      await cluster.answer(command.id, answer);
      this.#unkept.delete(command.id);
      if (command.from === nodeId) onOwnAnswer();
      else notes.tell({ is: "answer", to: command.from, ids: [command.id] });
      return true;
    } catch (error) {
      dropFirst(this.#unkept);
      log.debug({ err: error, sessionId: command.sessionId }, "a command's answer could not be kept");
      return false;
    }
  }

  /**
   * Not where the node that had the session did it, and gave the session back before it said so: now it would hit what
   * came after. Never rejects; what cannot be known is left for later.
   */
  async #isWaiting({ id }: SessionCommand): Promise<boolean> {
    const answers = await this.#parts.cluster.answers([id]).catch(() => []);
    return answers[0] === null;
  }

  /** null: it is left for later, or for another node. */
  async #answerTo(command: SessionCommand): Promise<CommandAnswer | null> {
    const { tenant, sessionId, method } = command;
    try {
      if (!isSessionMethod(method)) throw new RuntimeError("not_supported", `This server knows no method ${method}.`);
      const data = await this.#parts.run({ tenant, sessionId }, method, methodBody(method, command.body));
      return { ok: true, data };
    } catch (error) {
      const failure = toRuntimeError(error);
      if (failure.code === "stale_fence" || failure.code === "shutting_down") return null;
      if (method === "send" && ERROR_CODES[failure.code].retry) return null;
      if (failure.code === "internal")
        this.#parts.log.error({ err: error, sessionId }, "a command of another node failed");
      return refusalOf(failure);
    }
  }
}

/** Commands whose answers nobody takes are swept by the store. */
function dropFirst(unkept: Map<string, unknown>): void {
  const [oldest] = unkept.keys();
  if (unkept.size > MOST_UNKEPT && oldest !== undefined) unkept.delete(oldest);
}
