import {
  AskAnswer,
  DeferReport,
  fromZodError,
  RuntimeError,
  type Ask,
  type EventDraft,
  type ResolvedAsk,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { setTimeout as delay } from "node:timers/promises";
import { failpoint } from "../failpoint.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import { assertAnswerFits, isRepeated, resolvedError, whoAnswered, type GivenAnswer } from "./ask-answers.ts";
import { AskOffers } from "./ask-hook.ts";
import { asksOfTurn, resolutionOf, type AnsweredAsk, type AskedLog } from "./ask-history.ts";
import { withDeadline } from "./deadline.ts";
import { failedWrite } from "./failed-write.ts";
import { loadedEvent } from "./message-queue.ts";
import { optionsAfterPlan } from "./options-change.ts";
import type { SandboxSupervisor } from "./sandbox-supervisor.ts";
import type { SessionParts } from "./session-parts.ts";
import type { SessionWriter } from "./session-writer.ts";
import type { TurnControl } from "./turn-control.ts";
import type { TurnDelivery } from "./turn-delivery.ts";

/** For the runner to let go of a turn, and to say so. */
const DEFER_MS = 30_000;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What a session's asks need of it. */
export interface AskingSession {
  readonly key: SessionKey;
  readonly writer: SessionWriter;
  readonly supervisor: SandboxSupervisor;
  readonly control: TurnControl;
  readonly turns: TurnDelivery;
  state(): SessionState;
}

/** What a session's agent asks people: answered once, by somebody or by the clock, and passed on to wherever it waits. */
export class SessionAsks {
  readonly #parts: SessionParts;
  readonly #session: AskingSession;
  readonly #offers: AskOffers;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: SessionParts, session: AskingSession) {
    this.#parts = parts;
    this.#session = session;
    this.#offers = new AskOffers(parts, session.key);
    this.watch();
  }

  /** The running turn waits for an answer, in a sandbox that is there. */
  get wait(): boolean {
    const { turn, asks } = this.#session.state();
    return turn !== null && turn.deferred !== true && asks.length > 0 && this.#session.control.isGiven;
  }

  /** The turn waits for an answer, and needs no sandbox meanwhile. */
  get areDeferred(): boolean {
    const { turn, asks } = this.#session.state();
    return turn?.deferred === true && asks.length > 0;
  }

  /** A server is to see to them: they expire, or the application has not decided yet. */
  get needServer(): boolean {
    const { asks } = this.#session.state();
    return asks.some(({ askId, expiresAt }) => expiresAt !== undefined || this.#offers.isPending(askId));
  }

  /**
   * The answer counts when it resolves. The same one of the same person again is answered as the first time; throws
   * `ask_not_found`, `ask_resolved`, `forbidden`, `invalid_request`.
   */
  answer(unchecked: GivenAnswer): Promise<ResolvedAsk> {
    const { writer } = this.#session;
    const { data: answer, error } = AskAnswer.safeParse(unchecked.answer);
    if (error !== undefined) return Promise.reject(fromZodError(error, "answer"));
    const given = { ...unchecked, answer };
    return writer.ask(async () => {
      const ask = this.#session.state().asks.find(({ askId }) => askId === given.askId);
      if (ask === undefined) return this.#answeredBefore(given);
      if (this.#isDue(ask)) {
        await this.#expire();
        return this.#answeredBefore(given);
      }
      assertAnswerFits(ask, given);
      if (this.areDeferred) this.#session.turns.standInLine();
      await writer.append({ events: this.#resolved(ask, given.answer, whoAnswered(given)) });
      failpoint("answer:after");
      this.#passOn(ask, given.answer);
      return this.#confirmed(given);
    }, JSON.stringify(answer).length);
  }

  async #answeredBefore(given: GivenAnswer): Promise<ResolvedAsk> {
    const { askId } = given;
    const resolution = await resolutionOf(this.#log, askId);
    if (resolution === null) throw new RuntimeError("ask_not_found", `There is no ask ${askId} in this session.`);
    if (!isRepeated(resolution, given)) throw resolvedError(resolution);
    return this.#confirmed(given);
  }

  #confirmed(given: GivenAnswer): ResolvedAsk {
    const { askId, answer } = given;
    return { success: true, sessionId: this.#session.key.sessionId, askId, answer, by: whoAnswered(given) };
  }

  /** With the claim of the session: whoever has it next goes on with the answer. */
  #resolved(ask: Ask, answer: AskAnswer, by: string): EventDraft[] {
    const state = this.#session.state();
    const { sessionId } = this.#session.key;
    const sessionOptions = optionsAfterPlan(state, ask, answer);
    return [
      ...(state.runtime.isLoaded ? [] : [loadedEvent(state, true)]),
      { type: "session:ask:resolved", data: { sessionId, askId: ask.askId, answer, by } },
      ...(sessionOptions === null
        ? []
        : [{ type: "session:options:update" as const, data: { sessionId, sessionOptions } }]),
    ];
  }

  /** To the runner that waits for it, or, where none does, to the one that goes on with the turn. */
  #passOn({ askId, kind }: Ask, answer: AskAnswer): void {
    const { turn, asks, sessionOptions } = this.#session.state();
    if (turn === null) return;
    if (kind === "plan" && sessionOptions !== undefined)
      this.#session.control.tell("options", { kind: "options", options: sessionOptions });
    if (turn.deferred !== true) this.#tell({ askId, answer });
    else if (asks.length === 0) this.#session.turns.continueTurn(turn.turnId);
  }

  /** The runner takes it once, however often it is told. */
  #tell({ askId, answer }: AnsweredAsk): void {
    this.#session.supervisor.link
      ?.command(`answer:${askId}`, { kind: "answer", askId, answer })
      .catch((error: unknown) => this.#warn(error, "the runner did not take an answer"));
  }

  /** The runner asks what the server cannot keep: nobody is to wait for it. */
  refuse(askIds: readonly string[]): void {
    for (const askId of askIds)
      this.#tell({ askId, answer: { decision: "deny", reason: "It cannot be asked at the moment." } });
  }

  /** After a start of the server: the runner that has the turn may not have heard all answers. */
  async repeat(): Promise<void> {
    const { turn } = this.#session.state();
    if (turn === null || turn.deferred === true) return;
    for (const answered of (await asksOfTurn(this.#log, turn.turnId)).answered) this.#tell(answered);
  }

  /** Sees to it that asks which nobody answers expire, and offers them to the application: after a load, and when one was opened. */
  watch(): void {
    if (this.#closed) return;
    const { asks, agentProfileReference } = this.#session.state();
    this.#offers.offer(asks, agentProfileReference);
    clearTimeout(this.#timer);
    const times = asks.flatMap(({ expiresAt }) => expiresAt ?? []);
    const next = times.toSorted()[0];
    if (next === undefined) return;
    const left = Math.max(0, Date.parse(next) - this.#parts.now().getTime());
    this.#timer = setTimeout(() => this.#onTime(), Math.min(left, MAX_TIMER_MS)).unref();
  }

  #onTime(): void {
    const { writer, key } = this.#session;
    writer
      .run(async () => (this.#closed ? undefined : this.#expire()))
      .then(() => this.watch())
      .catch(failedWrite(this.#parts.log, key.sessionId, "asks that have expired could not be resolved"));
  }

  #isDue({ expiresAt }: Ask): boolean {
    return expiresAt !== undefined && Date.parse(expiresAt) <= this.#parts.now().getTime();
  }

  /** Inside of the mailbox. */
  async #expire(): Promise<void> {
    const due = this.#session.state().asks.filter((ask) => this.#isDue(ask));
    for (const ask of due) {
      const answer = ask.default ?? { decision: "deny" };
      await this.#session.writer.save({ events: this.#resolved(ask, answer, "expiry") });
      this.#passOn(ask, answer);
    }
  }

  /**
   * Has the running turn wait for its answers without its sandbox. false: it waits for none, or can only wait where it
   * is. Rejects with `unavailable` where its runner does not say.
   */
  async defer(): Promise<boolean> {
    const { supervisor } = this.#session;
    const { turn } = this.#session.state();
    if (turn === null || supervisor.link === undefined || !this.wait) return this.areDeferred;
    const { turnId } = turn;
    const late = (): RuntimeError =>
      new RuntimeError("unavailable", "The runner did not say whether its turn can wait elsewhere.");
    const reply = supervisor.link.command(`defer:${this.#parts.newId()}`, { kind: "defer", turnId });
    const { deferred, reason } = DeferReport.parse(await withDeadline(reply, DEFER_MS, late));
    if (deferred) await this.#untilDeferred(turnId, late);
    else this.#parts.log.debug({ ...this.#session.key, reason }, "a turn waits for an answer in its sandbox");
    return this.areDeferred;
  }

  async #untilDeferred(turnId: string, late: () => RuntimeError): Promise<void> {
    const { writer } = this.#session;
    const deadline = Date.now() + DEFER_MS;
    for (;;) {
      const { turn } = this.#session.state();
      if (turn?.turnId !== turnId || turn.deferred !== undefined) return;
      if (writer.failure !== undefined) throw writer.failure;
      if (Date.now() > deadline) throw late();
      await delay(10);
    }
  }

  /** The turn waits outside of any sandbox from now on; an answer can have crossed with the word of it. */
  onDeferred(): void {
    const { turn, asks } = this.#session.state();
    this.#session.control.letGo();
    if (turn?.deferred === true && asks.length === 0) this.#session.turns.continueTurn(turn.turnId);
  }

  /** Nothing expires any more: the session is let go. What it says meanwhile, too, is for whoever has it next. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** It is not let go after all. */
  reopen(): void {
    this.#closed = false;
    this.watch();
  }

  get #log(): AskedLog {
    return { store: this.#parts.store, key: this.#session.key, lastSeq: this.#session.state().lastSeq };
  }

  #warn(error: unknown, message: string): void {
    this.#parts.log.warn({ err: error, sessionId: this.#session.key.sessionId }, message);
  }
}
