import type { Ask, AskAnswer } from "@hhopkins/agent-runtime-protocol";
import type { SessionKey } from "../persistence/session-store.ts";
import type { GivenAnswer } from "./ask-answers.ts";
import type { SessionParts } from "./session-parts.ts";

/** Whose agent asks. */
export interface AskingAgent {
  readonly sessionId: string;
  readonly tenant: string;
  readonly agentProfileReference: string;
}

/**
 * Answers what agents ask, in people's place; undefined leaves it to them. Called once for each ask, and once more after a
 * restart while nobody has answered. What it throws is logged, and the ask waits for people.
 */
export type AskHook = (ask: Ask, agent: AskingAgent) => AskAnswer | undefined | Promise<AskAnswer | undefined>;

/** The application's own answers, which can come when the session is long out of memory. */
export interface AskingApplication {
  readonly onAsk: AskHook;
  readonly answer: (key: SessionKey, given: GivenAnswer) => Promise<unknown>;
}

/** Offers the application each ask of a session once. */
export class AskOffers {
  readonly #parts: Pick<SessionParts, "asking" | "log">;
  readonly #key: SessionKey;
  #offered = new Set<string>();
  readonly #pending = new Set<string>();

  constructor(parts: Pick<SessionParts, "asking" | "log">, key: SessionKey) {
    this.#parts = parts;
    this.#key = key;
  }

  /** The application has not decided yet. */
  isPending(askId: string): boolean {
    return this.#pending.has(askId);
  }

  /** All that are open now. */
  offer(asks: readonly Ask[], agentProfileReference: string): void {
    const { asking } = this.#parts;
    if (asking === undefined) return;
    const before = this.#offered;
    this.#offered = new Set(asks.map(({ askId }) => askId));
    const agent = { ...this.#key, agentProfileReference };
    for (const ask of asks) if (!before.has(ask.askId)) void this.#ask(asking, ask, agent);
  }

  async #ask({ onAsk, answer: give }: AskingApplication, ask: Ask, agent: AskingAgent): Promise<void> {
    const { askId } = ask;
    this.#pending.add(askId);
    try {
      const answer = await onAsk(ask, agent);
      if (answer !== undefined) await give(this.#key, { askId, answer });
    } catch (error) {
      const { sessionId } = agent;
      this.#parts.log.warn({ err: error, sessionId, askId }, "onAsk did not answer an ask; it waits for people");
    } finally {
      this.#pending.delete(askId);
    }
  }
}
