import type { LiveEvent } from "@hhopkins/agent-runtime-client";
import type { TurnStatus } from "@hhopkins/agent-runtime-protocol";

const START = "start";

/** A turn that has ended, as one to fork at or to go back to. */
export interface SessionTurn {
  /** `start`: the session as it was created. */
  readonly turnId: string;
  /** 1 is the first; 0 the start. */
  readonly number: number;
  /** What was said to begin it. */
  readonly text: string;
  readonly endedAt: string;
  readonly status?: TurnStatus;
  /** Its blocks of the main conversation. */
  readonly blockIds: ReadonlySet<string>;
  /** Why it cannot be forked, or not be gone back to. */
  readonly refusal: { readonly fork?: string; readonly rewind?: string };
}

interface Reading {
  readonly messages: Map<string, string>;
  readonly turns: SessionTurn[];
  open: { readonly messageIds: readonly string[]; readonly blockIds: Set<string> } | undefined;
  origin: string | undefined;
}

const GONE = "The session went back before it. It can still be forked.";
const INHERITED = "It came with the fork, which keeps only the end of it: choose it in the session where it began.";

/** The turns that a log tells of, oldest first, behind the session's start. `log`: batches of its events, from the first on. */
export async function readTurns(log: AsyncIterable<readonly LiveEvent[]>): Promise<readonly SessionTurn[]> {
  const reading: Reading = { messages: new Map(), turns: [], open: undefined, origin: undefined };
  for await (const batch of log) for (const event of batch) take(reading, event);
  return reading.turns;
}

function take(reading: Reading, event: LiveEvent): void {
  switch (event.type) {
    case "session:created":
      reading.origin = event.data.forkedFrom?.turnId;
      reading.turns.push(startOf(event.at, reading.origin !== undefined && reading.origin !== START));
      break;
    case "session:message:queued":
    case "session:message:updated":
      reading.messages.set(event.data.messageId, event.data.content);
      break;
    case "session:turn:started":
      reading.open = { messageIds: event.data.messageIds, blockIds: new Set() };
      break;
    case "session:block:start":
      if (event.data.conversationId !== "main") break;
      reading.open?.blockIds.add(event.data.block.id);
      if (event.data.block.type === "user_message") reading.messages.set(event.data.block.id, event.data.block.content);
      break;
    case "session:turn:completed":
      end(reading, event);
      break;
    case "session:rewound":
      goBack(reading, event.data.turnId);
      break;
    default:
  }
}

function end(reading: Reading, { at, data }: Extract<LiveEvent, { type: "session:turn:completed" }>): void {
  const { turnId, status, messageIds } = data;
  const said = [...(reading.open?.messageIds ?? []), ...messageIds].map((id) => reading.messages.get(id));
  reading.turns.push({
    turnId,
    number: reading.turns.length,
    text: said.find((text) => text !== undefined) ?? "",
    endedAt: at,
    status,
    blockIds: reading.open?.blockIds ?? new Set(),
    refusal: {},
  });
  reading.open = undefined;
  if (turnId !== reading.origin) return;
  const earlier = reading.turns.slice(1, -1);
  for (const turn of earlier) replace(reading, turn, { fork: INHERITED, rewind: INHERITED });
}

/** What came later is not there to go back to any more. */
function goBack(reading: Reading, turnId: string): void {
  const place = reading.turns.findIndex((turn) => turn.turnId === turnId);
  for (const turn of reading.turns.slice(place + 1)) replace(reading, turn, { rewind: GONE });
}

function replace({ turns }: Reading, turn: SessionTurn, refusal: SessionTurn["refusal"]): void {
  turns[turns.indexOf(turn)] = { ...turn, refusal: { ...turn.refusal, ...refusal } };
}

function startOf(at: string, isElsewhere: boolean): SessionTurn {
  const refusal = isElsewhere ? { fork: INHERITED, rewind: INHERITED } : {};
  return { turnId: START, number: 0, text: "", endedAt: at, blockIds: new Set(), refusal };
}
