import type { Ask, AskAnswer } from "@hhopkins/agent-runtime-protocol";
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

/** Offers the application each ask once. */
export class AskOffers {
  readonly #parts: Pick<SessionParts, "onAsk" | "log">;
  readonly #answer: (given: GivenAnswer) => Promise<unknown>;
  #offered = new Set<string>();

  constructor(parts: Pick<SessionParts, "onAsk" | "log">, answer: (given: GivenAnswer) => Promise<unknown>) {
    this.#parts = parts;
    this.#answer = answer;
  }

  /** All that are open now. */
  offer(asks: readonly Ask[], agent: AskingAgent): void {
    const { onAsk } = this.#parts;
    if (onAsk === undefined) return;
    const before = this.#offered;
    this.#offered = new Set(asks.map(({ askId }) => askId));
    for (const ask of asks) if (!before.has(ask.askId)) void this.#ask(onAsk, ask, agent);
  }

  async #ask(onAsk: AskHook, ask: Ask, agent: AskingAgent): Promise<void> {
    const { askId } = ask;
    try {
      const answer = await onAsk(ask, agent);
      if (answer !== undefined) await this.#answer({ askId, answer });
    } catch (error) {
      const { sessionId } = agent;
      this.#parts.log.warn({ err: error, sessionId, askId }, "onAsk did not answer an ask; it waits for people");
    }
  }
}
