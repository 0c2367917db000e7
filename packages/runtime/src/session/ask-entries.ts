/** What a runner says of asks, as what the log keeps: when one expires, who answers it and what stands in for an answer is the server's own. */
import {
  MAIN_CONVERSATION,
  type Ask,
  type AskAnswer,
  type AskKind,
  type AskRules,
  type EntryBody,
  type EventDraft,
  type OpenedAsk,
} from "@hhopkins/agent-runtime-protocol";
import type { EntryWrite } from "./entry-translation.ts";

/** Asks of a session that wait at the same time. */
const MOST_OPEN_ASKS = 100;

type AskEntry = Extract<EntryBody, { kind: "ask:opened" | "ask:withdrawn" }>;

/** Adds an entry about an ask to the write. Returns why it was refused, or null. */
export function addAskEntry(write: EntryWrite, body: AskEntry): string | null {
  const { sessionId, state, asks } = write;
  if (body.kind === "ask:withdrawn") {
    if (!asks.delete(body.askId)) return `ask ${body.askId} is not open`;
    write.events.push(withdrawn(sessionId, body.askId));
    return null;
  }
  // After a turn was continued elsewhere it may ask once more.
  if (asks.has(body.ask.askId)) return null;
  const refusal =
    state.turn === null || write.turnEnded
      ? "belongs to no turn"
      : asks.size >= MOST_OPEN_ASKS
        ? `is one above ${MOST_OPEN_ASKS}`
        : null;
  if (refusal !== null) {
    write.refusedAsks.push(body.ask.askId);
    return `ask ${body.ask.askId} ${refusal}`;
  }
  const ask = askAsKept(write, body.ask);
  asks.add(ask.askId);
  write.events.push({ type: "session:ask:opened", data: { sessionId, ask } });
  return null;
}

function askAsKept({ at, askRules, knows }: EntryWrite, opened: OpenedAsk): Ask {
  const { expiresAfterMs, onExpiry = "deny", answerableBy } = askRules;
  const expires =
    expiresAfterMs === undefined
      ? {}
      : {
          expiresAt: new Date(at.getTime() + expiresAfterMs).toISOString(),
          default: defaultAnswer(opened.kind, onExpiry),
        };
  return {
    ...opened,
    // Nobody would find it in a conversation that is not known.
    conversationId: knows(opened.conversationId) ? opened.conversationId : MAIN_CONVERSATION,
    openedAt: at.toISOString(),
    ...expires,
    ...(answerableBy === undefined ? {} : { answerableBy }),
  };
}

/** What a question or an elicitation is answered with cannot be made up. */
function defaultAnswer(kind: AskKind, onExpiry: NonNullable<AskRules["onExpiry"]>): AskAnswer {
  const canAllow = kind === "permission" || kind === "plan";
  if (onExpiry === "allow" && canAllow) return { decision: "allow" };
  return { decision: "deny", reason: "Nobody answered in time." };
}

/** Nobody is to answer it any more. */
export function withdrawn(sessionId: string, askId: string): EventDraft {
  return { type: "session:ask:resolved", data: { sessionId, askId, answer: null, by: "agent" } };
}
