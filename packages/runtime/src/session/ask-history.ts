/** What the log knows of asks that the state has forgotten. */
import type { Ask, EventData, SessionEvent } from "@hhopkins/agent-runtime-protocol";
import type { SessionKey, SessionStore } from "../persistence/session-store.ts";

const PAGE_EVENTS = 1000;

/** A log, as far as it is saved. */
export interface AskedLog {
  readonly store: Pick<SessionStore, "events">;
  readonly key: SessionKey;
  readonly lastSeq: number;
}

export type Resolution = EventData<"session:ask:resolved">;

/** How an ask was resolved, or null: it never was. */
export async function resolutionOf(log: AskedLog, askId: string): Promise<Resolution | null> {
  for await (const event of backwards(log)) {
    if (event.type === "session:ask:resolved" && event.data.askId === askId) return event.data;
  }
  return null;
}

/** Asks of a turn that people, or nobody in time, have answered since it began or was continued. */
export interface TurnAsks {
  readonly answered: readonly AnsweredAsk[];
  /** For what it was deferred last, with the answer where there is one; empty: it never was. */
  readonly deferred: readonly { readonly ask: Omit<Ask, "details">; readonly answer?: AnsweredAsk["answer"] }[];
}

export interface AnsweredAsk {
  readonly askId: string;
  readonly answer: NonNullable<Resolution["answer"]>;
}

/** What a runner has to know of a turn's asks, wherever it is. */
export async function asksOfTurn(log: AskedLog, turnId: string): Promise<TurnAsks> {
  const events: SessionEvent[] = [];
  for await (const event of backwards(log)) {
    if (event.type === "session:turn:started" && event.data.turnId === turnId) break;
    if (event.type.startsWith("session:ask:") || event.type === "session:turn:deferred") events.unshift(event);
  }
  return foldAsks(events);
}

function foldAsks(events: readonly SessionEvent[]): TurnAsks {
  const asks = new Map<string, Ask>();
  const answers = new Map<string, AnsweredAsk["answer"]>();
  let open: string[] = [];
  let last: string | undefined;
  let deferred: string[] = [];
  for (const event of events) {
    if (event.type === "session:ask:opened") {
      asks.set(event.data.ask.askId, event.data.ask);
      open.push(event.data.ask.askId);
    } else if (event.type === "session:ask:resolved") {
      const { askId, answer } = event.data;
      open = open.filter((id) => id !== askId);
      if (answer === null) continue;
      answers.set(askId, answer);
      last = askId;
    } else if (event.type === "session:turn:deferred") {
      // The answer to its one ask can have crossed with the word of it.
      deferred = open.length > 0 ? open : last === undefined ? [] : [last];
    }
  }
  return {
    answered: [...answers].map(([askId, answer]) => ({ askId, answer })),
    deferred: deferred.flatMap((askId) => {
      const ask = asks.get(askId);
      if (ask === undefined) return [];
      // The runner finds the call in its transcript, and a command has a bounded size.
      const { details: _details, ...rest } = ask;
      const answer = answers.get(askId);
      return [{ ask: rest, ...(answer === undefined ? {} : { answer }) }];
    }),
  };
}

/** The last event first. */
async function* backwards({ store, key, lastSeq }: AskedLog): AsyncGenerator<SessionEvent> {
  let before = lastSeq + 1;
  while (before > 1) {
    const after = Math.max(0, before - 1 - PAGE_EVENTS);
    const page = await store.events(key, { after, limit: PAGE_EVENTS });
    for (const event of page.filter(({ seq }) => seq < before).toReversed()) yield event;
    before = after + 1;
  }
}
